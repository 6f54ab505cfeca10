import ArgumentParser
import CSystem
import Cluster
import Foundation
import Model
import Telemetry
import Worker

struct CoordinatorCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "coordinator",
        abstract: "Runs pipelines on a cluster: leads, or stands by until the leader is gone.",
        discussion: """
            Any number of coordinators share one ledger: one leads, the others say so to whoever asks and take over
            when its lease runs out. A run goes on from the ledger; nothing that was finished is done again.

              etlx coordinator --listen tls+tcp://0.0.0.0:7443 --ledger postgresql://etlx@db.example/ledger \\
                  --join-tokens join.tokens --keeper-tokens keeper.tokens --operator-tokens operator.tokens \\
                  --ca ca.pem --certificate coordinator.pem --private-key coordinator.key --http 0.0.0.0:9090
            """)

    @Option(
        help: ArgumentHelp(
            "An address to listen at: tls+tcp://HOST:PORT, or tcp:// on this machine alone; several are possible.",
            valueName: "url"))
    var listen: [String]

    @Option(
        help: ArgumentHelp("The address that others dial, where it is not the first of --listen.", valueName: "url"))
    var advertise: String?

    @OptionGroup var ledger: LedgerOption
    @OptionGroup var tls: TLSOptions

    @Option(help: "A file of tokens that admit workers, one a line; the same for all coordinators.")
    var joinTokens: String

    @Option(help: "A file of tokens that admit keepers, who plan runs; none of them admits workers too.")
    var keeperTokens: String

    @Option(help: "A file of tokens that admit people: submit, status.")
    var operatorTokens: String

    @Option(help: "A JWKS file: Kubernetes' service-account tokens signed by its keys admit nodes too.")
    var jwks: String?

    @Option(help: "Who issues these tokens.")
    var jwtIssuer: String?

    @Option(help: "Whom they must be meant for.")
    var jwtAudience: String?

    @Option(help: "A service account of workers, system:serviceaccount:NAMESPACE:NAME; several are possible.")
    var jwtSubject: [String] = []

    @Option(help: "A service account of keepers; several are possible.")
    var jwtKeeperSubject: [String] = []

    @Option(help: ArgumentHelp("Where /livez, /readyz and /metrics are answered.", valueName: "address:port"))
    var http: String?

    @OptionGroup var documents: BoundsOptions

    @Option(
        help: ArgumentHelp(
            "Sign every version with this private key of OpenSSH; the same for all coordinators.", valueName: "file"))
    var sign: String?

    @Option(help: "Connections to one source database, over all runs and workers.")
    var connectionsPerSource = 64

    @OptionGroup var logging: LogOptions
    @OptionGroup var common: CommonOptions

    func validate() throws {
        guard (1...10_000).contains(connectionsPerSource) else {
            throw ValidationError("--connections-per-source is a number from 1 to 10000, found \(connectionsPerSource)")
        }
        let parts = [jwks, jwtIssuer, jwtAudience, jwtSubject.first ?? jwtKeeperSubject.first]
        guard parts.allSatisfy({ $0 == nil }) || parts.allSatisfy({ $0 != nil }) else {
            throw ValidationError(
                "--jwks, --jwt-issuer, --jwt-audience and --jwt-subject or --jwt-keeper-subject go together: name all four"
            )
        }
        guard Set(jwtSubject).isDisjoint(with: jwtKeeperSubject) else {
            throw ValidationError("a service account of workers and of keepers: each role has accounts of its own")
        }
    }

    func run() throws {
        system_keep_heap_small()
        let log = logging.log(common)
        if let warning = Transport.libraryWarning {
            log.warning("the messaging library is old", ["advice": .name(warning)])
        }
        let admission: Admission
        let people: JoinTokens
        let credential: NodeCredential
        do {
            let workers = try JoinTokens(path: joinTokens)
            let keepers = try JoinTokens(path: keeperTokens, apartFrom: [workers])
            admission = Admission(tokens: [.worker: workers, .keeper: keepers], accounts: try accounts())
            people = try JoinTokens(path: operatorTokens, apartFrom: [workers, keepers])
            credential = NodeCredential(
                worker: Array(try TokenFile.first(of: joinTokens).utf8),
                keeper: Array(try TokenFile.first(of: keeperTokens).utf8))
        } catch let error as JoinTokens.FileError {
            throw Stop(.configuration, error.reason)
        } catch let error as ServiceAccountTokens.FileError { throw Stop(.configuration, error.reason) }
        let server: ReplyServer
        do {
            server = try ReplyServer(listeningOn: listen, tls: try tls.files(), insecure: tls.insecureNetwork)
            try server.refusesAnonymous()
        } catch let error as ClusterError { throw Stop(.configuration, error.reason) }
        let url = try ledger.url()
        let transport = TransportCheck(environment: ProcessInfo.processInfo.environment)
        if let warning = transport.warning("the ledger", database: url) {
            log.warning("the ledger's connection is not verified", ["reason": .name(warning)])
        }
        let driver = CoordinatorDriver(
            .init(
                ledger: url, advertised: advertise ?? server.addresses[0], credential: credential,
                connectionsPerSource: connectionsPerSource, bounds: documents.bounds, tls: try tls.files(),
                signingKey: try signingKey(sign.map { Secret($0, written: $0) }, status: .configuration)),
            server: server, admission: admission, people: people, log: log)
        try driver.observe(at: http)
        log.info(
            "coordinator listens",
            ["addresses": .name(server.addresses.joined(separator: " ")), "nng": .name(Transport.libraryVersion)])
        driver.run()
        log.info("coordinator ends")
        server.close()
    }

    private func accounts() throws -> ServiceAccountTokens? {
        guard let jwks, let jwtIssuer, let jwtAudience else { return nil }
        return try ServiceAccountTokens(
            keys: jwks,
            rules: .init(
                issuer: jwtIssuer, audience: jwtAudience,
                subjects: [.worker: Set(jwtSubject), .keeper: Set(jwtKeeperSubject)]),
            clock: { Int64(Date().timeIntervalSince1970) })
    }
}

/// How a standing process tells what happens.
struct LogOptions: ParsableArguments {
    enum Format: String, ExpressibleByArgument { case text, json }

    @Option(help: ArgumentHelp("Lines on standard error as text or as JSON objects.", valueName: "text|json"))
    var log: Format = .text

    @Flag(help: "Tell of every shard.")
    var verbose = false

    func log(_ common: CommonOptions) -> Log {
        Log(log == .json ? .json : .text, from: verbose ? .debug : common.quiet ? .warning : .info)
    }
}
