import ArgumentParser
import CSystem
import Cluster
import Foundation
import KernelCheck
import Model
import Worker

#if canImport(Glibc)
import Glibc
#elseif canImport(Musl)
import Musl
#endif

struct WorkerCommand: ParsableCommand {
    static let secretVariable = "ETLX_JOIN_SECRET"

    static let configuration = CommandConfiguration(
        commandName: "worker",
        abstract: "Serves a coordinator: reads shards and writes parts until there is no more work.",
        discussion: """
            `etlx run` starts its own workers. One more, on the same machine, joins with the secret of the run:

              ETLX_JOIN_SECRET=… etlx worker --coordinator tcp://127.0.0.1:7443
            """)

    @Option(help: "The coordinator's address.")
    var coordinator: String

    @Option(help: ArgumentHelp("worker, or keeper: plans and holds the sources' snapshots.", visibility: .hidden))
    var role: String = "worker"

    @Flag(help: ArgumentHelp("Started by a run on this machine: ends with it.", visibility: .hidden))
    var embedded = false

    @OptionGroup var common: CommonOptions

    func run() throws {
        guard let role = Join.Role(rawValue: role) else { throw Stop(.wrongDocument, "--role is worker or keeper") }
        var environment = ProcessInfo.processInfo.environment
        guard let secret = environment.removeValue(forKey: Self.secretVariable) else {
            throw Stop(.wrongDocument, "no join secret: set \(Self.secretVariable)")
        }
        unsafe unsetenv(Self.secretVariable)
        forbidCoreDumps()
        if embedded { system_end_with_parent() }
        let logs = !common.quiet
        for warning in KernelLevels.warnings { Console.warning(warning) }
        if logs { Console.standardError(KernelLevels.summary) }
        let service: WorkerService
        do {
            service = try WorkerService(
                .init(address: coordinator, secret: secret, role: role, environment: environment),
                log: { text in if logs { Console.standardError(text) } })
            let drain = service.drain
            let signals = Signals(isDeafToInterrupt: embedded, onFirst: { drain() })
            try service.run()
            withExtendedLifetime(signals) {}
        } catch {
            throw Stop(.unreachable, "the coordinator at \(coordinator): \(error.reason)")
        }
    }

    /// Keys and rows live in this process's memory: none of it may be written to a disk when it dies.
    private func forbidCoreDumps() {
        var none = rlimit(rlim_cur: 0, rlim_max: 0)
        unsafe setrlimit(__rlimit_resource_t(RLIMIT_CORE.rawValue), &none)
        system_forbid_dumps()
    }
}
