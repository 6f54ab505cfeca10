import ArgumentParser
import Cluster
import Coordinator
import Foundation
import KernelCheck
import Metadata
import Model
import ModuleStore

struct RunCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "run",
        abstract: "Reads, transforms and publishes a version, with a coordinator and workers on this machine.",
        discussion: """
            Starts a keeper and N workers as processes; shows progress; publishes in one atomic step.
            The first Ctrl-C lets running shards finish and stops, the second stops at once; either way the last
            published version is untouched. While the version is being published the first one waits for the outcome,
            and the second leaves it open: the next run of the module finds out whether the version is there.

              etlx run clinic.yaml --workers 2
            """)

    @OptionGroup var document: DocumentOption
    @OptionGroup var common: CommonOptions

    @Option(help: "Worker processes; by default one for each processor, at most 8.")
    var workers: Int?

    @Option(
        help: ArgumentHelp(
            "Sign the version with this private key of OpenSSH, instead of the one that the document names.",
            valueName: "file"))
    var sign: String?

    @Flag(help: "Let workers tell what they do on standard error.")
    var verbose = false

    func validate() throws {
        if let workers, !(1...256).contains(workers) {
            throw ValidationError("--workers is a number from 1 to 256, found \(workers)")
        }
    }

    func run() throws {
        let pipeline = try document.read(common)
        for warning in KernelLevels.warnings { Console.warning(warning) }
        let outcome = try RunDriver(
            pipeline: pipeline, documentPath: document.pipeline,
            signingKey: try signingKey(sign.map { Secret($0, written: $0) } ?? pipeline.target.signingKeyFile),
            workers: workers ?? min(8, ProcessInfo.processInfo.activeProcessorCount), common: common,
            isVerbose: verbose
        ).run()
        switch outcome {
        case .published(let record, let folder, let dropped): tell(record, folder, dropped)
        case .failed(let failure): throw stop(for: failure, json: common.json)
        case .interrupted:
            if common.json { print(JSON.record(["event": "interrupted"]).text()) }
            throw Stop(.interrupted, "interrupted; nothing was published, the last version is untouched")
        case .undecided(let failure):
            if common.json {
                print(JSON.record(["event": "undecided", "message": .text(failure.message)]).text())
            }
            throw Stop(.undecided, failure.message)
        }
    }

    private func tell(_ record: CommitRecord, _ folder: String, _ dropped: [DroppedRows]) {
        if common.json {
            print(
                JSON.record([
                    "event": "published", "record": record.json, "folder": .text(folder),
                    "dropped": DropReport.json(dropped),
                ]).text())
            return
        }
        guard !common.quiet else { return }
        let rows = record.tables.reduce(0) { $0 + $1.rows }
        print(
            "published \(record.module)@\(record.version): \(record.tables.count) tables, \(Console.grouped(rows)) rows, \(Console.size(record.bytes))"
        )
        print("  \(folder)")
        for table in dropped { Console.warning(DropReport.line(table)) }
    }
}
