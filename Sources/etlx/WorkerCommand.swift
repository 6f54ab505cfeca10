import ArgumentParser
import CSystem
import Cluster
import Foundation
import KernelCheck
import Model
import Telemetry
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
        abstract: "Serves a coordinator: reads shards and writes parts until it is asked to end.",
        discussion: """
            Keys, passwords and files of documents are looked up here, never at the coordinator. SIGTERM drains:
            shards in hand are finished within --grace or handed back.

              etlx worker --coordinator tls+tcp://coordinator-0:7443 --coordinator tls+tcp://coordinator-1:7443 \\
                  --join-token join.token --slots 4 --ca ca.pem --certificate worker.pem --private-key worker.key \\
                  --base-directory /etc/etlx --placeholder-directory /etc/etlx/urls --target-endpoint https://s3.example

            A keeper plans runs and holds the sources' snapshots; a cluster needs one, and two survive the loss of one:

              etlx worker --role keeper --coordinator … --join-token join.token

            `etlx run` starts its own workers and keeper.
            """)

    @OptionGroup var coordinators: CoordinatorOptions

    enum Role: String, ExpressibleByArgument {
        case worker, keeper

        var role: Join.Role { self == .worker ? .worker : .keeper }
    }

    @Option(
        help: ArgumentHelp("worker, or keeper: plans, and holds the sources' snapshots.", valueName: "worker|keeper"))
    var role: Role = .worker

    @Option(help: "A file with the token that admits to the cluster; read again at each join.")
    var joinToken: String?

    @Option(help: "Tasks at a time; a keeper also scans so many files of a source at a time.")
    var slots: Int?

    @Option(
        help: ArgumentHelp("How long tasks may go on after SIGTERM before they are handed back.", valueName: "seconds"))
    var grace: Int = Limits.drainGrace.inMilliseconds / 1000

    @Flag(help: "End, with 0, once no run is open.")
    var untilIdle = false

    @OptionGroup var documents: BoundsOptions

    @Option(help: ArgumentHelp("Where /livez, /readyz and /metrics are answered.", valueName: "address:port"))
    var http: String?

    @Flag(help: ArgumentHelp("Started by a run on this machine: ends with it.", visibility: .hidden))
    var embedded = false

    @OptionGroup var logging: LogOptions
    @OptionGroup var common: CommonOptions

    func validate() throws {
        if let slots, !(1...Limits.slotsPerWorker).contains(slots) {
            throw ValidationError("--slots is a number from 1 to \(Limits.slotsPerWorker), found \(slots)")
        }
        guard (0...86_400).contains(grace) else {
            throw ValidationError("--grace is a number of seconds from 0 to 86400, found \(grace)")
        }
    }

    func run() throws {
        system_keep_heap()
        var environment = ProcessInfo.processInfo.environment
        let token = try tokenSource(&environment)
        unsafe unsetenv(Self.secretVariable)
        if embedded { system_end_with_parent() }
        let log = logging.log(common)
        for warning in KernelLevels.warnings { Console.warning(warning) }
        log.info("kernels", ["levels": .name(KernelLevels.summary)])
        let beat = LoopBeat()
        let service: WorkerService
        do {
            service = try WorkerService(
                .init(
                    place: try coordinators.place(), insecureNetwork: coordinators.tls.insecureNetwork,
                    joinToken: token,
                    role: role.role, slots: slots ?? (role == .keeper ? Limits.slotsPerKeeper : 1),
                    environment: environment,
                    bounds: embedded ? nil : documents.bounds, grace: .seconds(grace), leavesWhenIdle: untilIdle,
                    beat: { beat.beat() }),
                log: { text in log.info("node", ["event": .name(text)]) })
        } catch let error as ClusterError { throw end(for: error) }
        let port = try observe(service, beat)
        let drain = service.drain
        let signals = Signals(isDeafToInterrupt: embedded, onFirst: { drain() })
        do {
            let outcome = try service.run()
            withExtendedLifetime((signals, port)) {}
            log.info("ends", ["node": .name(service.name), "outcome": .name("\(outcome)")])
            if outcome == .wedged { throw Stop(.temporary, "the coordinator fell silent; start again") }
        } catch let error as ClusterError { throw end(for: error) }
    }

    /// Of an embedded process from its parent's environment, otherwise from a file that may be replaced at any time.
    private func tokenSource(_ environment: inout [String: String]) throws -> @Sendable () -> String? {
        if let secret = environment.removeValue(forKey: Self.secretVariable) { return { secret } }
        guard let joinToken else { throw Stop(.configuration, "no join token: name its file with --join-token") }
        _ = try TokenFile.first(of: joinToken)
        return { TokenFile.firstIfReadable(joinToken) }
    }

    /// A process that was refused is refused again; one that found nobody may have more luck.
    private func end(for error: ClusterError) -> Stop {
        let place = coordinators.coordinator.joined(separator: ", ")
        let isLasting = error.code == .refused || error.code == .badAddress || error.code == .notAllowed
        return Stop(
            isLasting ? .configuration : embedded ? .unreachable : .temporary,
            "the coordinator at \(place): \(error.reason)")
    }

    private func observe(_ service: WorkerService, _ beat: LoopBeat) throws -> HTTPPort? {
        guard let http else { return nil }
        let state = RunningState(
            beat: beat, patience: Limits.loopPatience,
            obstacle: { service.hasJoined ? nil : "no coordinator has welcomed this node" },
            metrics: {
                var metrics = WorkerMetrics()
                let read = service.amountRead
                metrics.rowsReadCount = Int(read.rows)
                metrics.bytesReadCount = Int(read.bytes)
                return metrics.page()
            })
        do { return try HTTPPort(listeningOn: http) { state.answer($0) } } catch {
            throw Stop(.configuration, "--http \(http): \(error)")
        }
    }
}
