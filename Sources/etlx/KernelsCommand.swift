import ArgumentParser
import Foundation
import KernelCheck
import Model

struct KernelsCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "kernels",
        abstract: "Lists the hashing and masking kernels of this machine, and checks them against published vectors.",
        discussion: """
            Every level gives the same bytes; ETL_KERNELS=plain (or avx2, shani, avx512, armv8) forces one.

              etlx kernels
              etlx kernels check wycheproof/hmac_sha256_test.json acvp/ACVP-AES-FF1-1.0
            """,
        subcommands: [List.self, Check.self], defaultSubcommand: List.self)

    struct List: ParsableCommand {
        static let configuration = CommandConfiguration(
            commandName: "list",
            abstract: "Each kernel's versions: which this machine has, which is used, its self-test.",
            discussion: "  etlx kernels --json")

        @OptionGroup var common: CommonOptions

        func run() throws {
            for warning in KernelLevels.warnings { Console.warning(warning) }
            let versions = KernelLevels.selfTest()
            if common.json {
                print(KernelsReport.json(versions).text(isPretty: true), terminator: "")
            } else if !common.quiet {
                print(KernelsReport.text(versions))
            }
            let failed = versions.filter { $0.isAvailable && !$0.hasPassed }
            if !failed.isEmpty {
                let names = failed.map { "\($0.kernel) \($0.version)" }.joined(separator: ", ")
                throw Stop(.checkFailed, "recorded answers do not come out of \(names)")
            }
        }
    }

    struct Check: ParsableCommand {
        static let configuration = CommandConfiguration(
            commandName: "check", abstract: "Runs ACVP and Wycheproof vectors through every level of this machine.",
            discussion: """
                FILE is a Wycheproof JSON file, a folder with ACVP's prompt.json and expectedResults.json (or either of
                them), or a folder of such files and folders. HMAC-SHA-256, HKDF-SHA-256, AES-CMAC, AES-SIV-CMAC, AES
                blocks, and FF1 over strings and digit lists. Exit code 5 when a case disagrees, or when nothing was run.

                  etlx kernels check vectors/
                """)

        @Argument(help: "Files or folders of test vectors.") var files: [String]
        @OptionGroup var common: CommonOptions

        func run() throws {
            var results: [SourceResult] = []
            var failed: [String] = []
            for file in files {
                guard let sources = VectorSource.find(file) else { throw Stop(.wrongDocument, "there is no \(file)") }
                let found = sources.map(VectorCheck.run)
                results += found
                failed += found.filter(\.hasFailed).map { KernelsReport.failure($0) }
                if !found.contains(where: { $0.hasRun || $0.hasFailed }) { failed.append("\(file): nothing was run") }
            }
            if common.json {
                print(KernelsReport.json(results).text(isPretty: true), terminator: "")
            } else if !common.quiet {
                print(KernelsReport.text(results))
            }
            if !failed.isEmpty { throw Stop(.checkFailed, failed.joined(separator: "\n       ")) }
        }
    }
}
