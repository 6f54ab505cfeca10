import CSystem
import Cluster
import Coordinator
import Foundation
import Metadata
import Model
import ModuleStore
import Scheduling
import Synchronization
import Telemetry
import Worker

/// A coordinator's life: stands by, leads, and stands by again when it lost the lead, until it is asked to end.
final class CoordinatorDriver {
    struct Configuration {
        let ledger: Secret
        let advertised: String
        let credential: NodeCredential
        let connectionsPerSource: Int
        let bounds: DocumentBounds
        let tls: TLSFiles?
        let signingKey: SigningKey?
    }

    private let configuration: Configuration
    private let server: ReplyServer
    private let admission: Admission
    private let people: JoinTokens
    private let log: Log
    private let signals = Signals()
    private let watch: CoordinatorWatch
    private let holder = "\(ProcessInfo.processInfo.hostName) \(UUID().uuidString.prefix(8).lowercased())"
    private var port: HTTPPort?
    private var certificates: CertificateWatch?
    /// When the lead was asked for that was granted.
    private var acquiredAt = NodeClock.now

    init(_ configuration: Configuration, server: ReplyServer, admission: Admission, people: JoinTokens, log: Log) {
        self.configuration = configuration
        self.server = server
        self.admission = admission
        self.people = people
        self.log = log
        watch = CoordinatorWatch(log: log)
        certificates = configuration.tls.map { CertificateWatch($0) }
    }

    /// Answers probes and scrapes at an address.
    func observe(at address: String?) throws {
        guard let address else { return }
        do { port = try watch.port(at: address) } catch {
            throw Stop(.configuration, "--http \(address): \(error)")
        }
    }

    func run() {
        while signals.received == 0 {
            // A fresh one for each time of leading: what an earlier time left running writes under its own epoch, in vain.
            guard let ledger = openLedger(), let epoch = standBy(ledger) else { continue }
            lead(ledger, epoch: epoch, since: acquiredAt)
        }
    }

    // MARK: Standing by

    private func openLedger() -> Ledger? {
        do throws(LedgerError) {
            let ledger = try Ledger(url: configuration.ledger)
            watch.hasLedger = true
            return ledger
        } catch {
            watch.hasLedger = false
            log.warning("the ledger cannot be opened", ["reason": .name(error.description)])
            answerWhileWaiting()
            return nil
        }
    }

    private func answerWhileWaiting() {
        var tries = 0
        _ = StandbyService(
            server: server,
            acquire: {
                tries += 1
                return tries > 1 ? 0 : nil
            }, leader: { nil },
            mustStop: { [signals] in signals.received > 0 }, beat: { [watch] in watch.beat() }
        ).run()
    }

    private func standBy(_ ledger: Ledger) -> Int64? {
        log.info("stands by")
        let (log, watch, signals) = (log, watch, signals)
        let (holder, advertised) = (holder, configuration.advertised)
        return StandbyService(
            server: server,
            acquire: { [self] in
                do throws(LedgerError) {
                    acquiredAt = NodeClock.now
                    defer { watch.hasLedger = true }
                    return try ledger.acquire(holder: holder, address: advertised)
                } catch {
                    watch.hasLedger = false
                    log.warning("the ledger does not answer", ["reason": .name(error.description)])
                    return nil
                }
            },
            leader: { (try? ledger.leader())?.address }, mustStop: { signals.received > 0 },
            beat: { [self] in
                watch.beat()
                renewCertificates()
            }
        ).run()
    }

    // MARK: Leading

    private func lead(_ ledger: Ledger, epoch: Int64, since: Instant) {
        let leading = log.with(["epoch": .count(Int(epoch))])
        let state: ClusterState
        do throws(LedgerError) { state = try recover(ledger, epoch: epoch) } catch {
            leading.error("open runs cannot be read", ["reason": .name(error.description)])
            try? ledger.resign()
            return
        }
        // Texts of the ledger were read and are let go.
        system_trim_heap()
        leading.info("leads", ["open_runs": .count(state.runs.count)])
        let (bounds, signingKey) = (configuration.bounds, configuration.signingKey)
        let environment = ProcessInfo.processInfo.environment
        let office = RunOffice(ledger: ledger, actor: "coordinator", persists: true) {
            (document, path) throws(TaskFailure) -> RunOffice.Prepared in
            let read = try DocumentCheck.publication(
                of: document, path: path, bounds: bounds, environment: environment)
            if read.target.signingKeyFile != nil, signingKey == nil {
                // Before anything is read: a version that was to be signed is never published without.
                throw TaskFailure(
                    kind: .document, disposition: .failRun,
                    message: "the document wants its versions signed, and this coordinator has no key: "
                        + "start all coordinators with --sign FILE")
            }
            do throws(StoreError) {
                let store = try Store(read.target, renderer: ParquetRendition())
                return RunOffice.Prepared(
                    store: store.signing(with: signingKey), module: read.about.module,
                    documentDigest: read.about.documentDigest, iceberg: read.target.iceberg)
            } catch { throw error.failure }
        }
        var lead = Lead(ledger: ledger, since: since)
        let service = CoordinatorService(
            state: state, server: server,
            duties: .init(
                record: { records throws(LedgerError) in try office.append(records) },
                perform: { action, state in office.perform(action, state) },
                outside: { office.takeEvents() },
                refusal: { [admission] call, role in admission.admits(call.credential, role: role)?.reason },
                admitsPeople: { [people] call in people.admits(call.credential) == nil },
                observe: { [self] state, notes in
                    watch.observe(state, notes, pipes: server.pipeCount)
                    renewCertificates()
                },
                mustStop: { [signals] in signals.received > 0 }, leads: { lead.holds() }),
            endsWhenOver: false)
        let ending = service.run()
        watch.stopLeading()
        switch ending {
        case .over, .stopped:
            // So that another need not wait for the end of the lease.
            try? ledger.resign()
            leading.info("hands over")
        case .deposed(let error):
            leading.warning(
                "leads no more", ["reason": .name(error?.description ?? "the lease was not renewed in time")])
        }
    }

    private func recover(_ ledger: Ledger, epoch: Int64) throws(LedgerError) -> ClusterState {
        var policy = ClusterState.Policy()
        policy.connectionsPerSource = configuration.connectionsPerSource
        let open = try readable(try ledger.openRuns(), of: ledger, otherwise: { .aborted($0) })
        let restarts = try readable(try ledger.runsToRestart(), of: ledger, otherwise: { .notRestarted($0) })
        let now = Store.systemTime()
        let ages = Dictionary(
            open.map { run in
                let began = AttemptID.milliseconds(run.start.attempt) ?? now
                return (run.start.run, Duration.milliseconds(now - began))
            }, uniquingKeysWith: { first, _ in first })
        return ClusterState(
            epoch: epoch, credential: configuration.credential, policy: policy, recovered: open, ages: ages,
            restarts: restarts,
            ended: try ledger.runs(limit: Limits.endedRunsRemembered).reversed(), now: NodeClock.now)
    }

    /// Runs whose state can be read. Of another the ledger gets the record that ends it, and the others go on; one that
    /// had begun to commit stays as it is, for it may be a version.
    private func readable(
        _ runs: [String], of ledger: Ledger, otherwise end: (TaskFailure) -> LedgerRecord
    ) throws(LedgerError) -> [RecoveredRun] {
        var found: [RecoveredRun] = []
        for run in runs {
            do throws(LedgerError) { found.append(try ledger.load(run)) } catch {
                guard error.code == .damaged else { throw error }
                log.error(
                    "a run cannot be read and is given up", ["run": .name(run), "reason": .name(error.description)])
                guard try ledger.state(run) != .committing else { continue }
                let failure = TaskFailure(
                    kind: .worker, disposition: .failRun, message: "the ledger's record of the run cannot be read")
                try ledger.append([end(failure)], run: run, at: RunOffice.now)
            }
        }
        return found
    }

    private func renewCertificates() {
        guard certificates?.haveChanged() == true else { return }
        do throws(ClusterError) {
            try server.reload()
            log.info("certificates renewed")
        } catch {
            log.error("the new certificates cannot be used; the old ones stay", ["reason": .name(error.reason)])
        }
    }
}

/// The right to lead: renewed in time, or lost.
private struct Lead {
    let ledger: Ledger
    private var held: Instant
    private var tried: Instant

    init(ledger: Ledger, since: Instant) {
        self.ledger = ledger
        held = since
        tried = since
    }

    /// Whether a renewal that was asked for lately was granted. By this node's clock, from the moment of asking.
    mutating func holds() -> Bool {
        let now = NodeClock.now
        if now - held >= Limits.leadRenewalInterval, now - tried >= .seconds(1) {
            tried = now
            do throws(LedgerError) {
                guard try ledger.renew() else { return false }
                held = now
            } catch {
                // It may answer in time yet.
            }
        }
        return NodeClock.now - held < Limits.leadTime
    }
}

/// Files of certificates, looked at every half minute.
struct CertificateWatch {
    private let paths: [String]
    private var dates: [Date?]
    private var looked = NodeClock.now

    init(_ files: TLSFiles) {
        paths = [files.authority, files.certificate, files.privateKey]
        dates = Self.dates(paths)
    }

    mutating func haveChanged() -> Bool {
        let now = NodeClock.now
        guard now - looked > Limits.certificateLookInterval else { return false }
        looked = now
        let found = Self.dates(paths)
        defer { dates = found }
        return found != dates
    }

    private static func dates(_ paths: [String]) -> [Date?] {
        paths.map { try? FileManager.default.attributesOfItem(atPath: $0)[.modificationDate] as? Date }
    }
}
