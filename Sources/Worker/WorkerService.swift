package import Cluster
internal import Foundation
package import Model
internal import Synchronization

/// A worker or keeper: joins a coordinator, does tasks in its slots, leaves. Keeps nothing that a new process would miss,
/// but for a keeper's snapshots.
///
/// The driver of a `NodeState`: one thread for the pulse and one for each slot, each with a socket of its own; the caller's
/// thread looks at the time and keeps snapshots alive.
///
/// Memory: within a slot, reading, transforming, encoding and writing are calls of one thread, one chunk in flight. There
/// is no queue between them that could fill: whoever is slow is waited for, up to the source, whose socket fills. So a
/// process needs at most `slots` times what a chunk and an open row group take (`Limits.bytesPerChunk`,
/// `Limits.bytesPerRowGroup`), and one large row of a source (`Limits.bytesPerCell`).
package final class WorkerService: Sendable {
    package struct Configuration: Sendable {
        package var place: CoordinatorPlace
        /// Plain connections beyond this machine are allowed.
        package var insecureNetwork: Bool
        /// Read at each join: token files are replaced while a process lives. nil: not readable now, tried again.
        package var joinToken: @Sendable () -> String?
        package var role: Join.Role
        /// Tasks at a time.
        package var slots: Int
        /// What placeholders of documents are looked up in.
        package var environment: [String: String]
        /// Where relative paths of documents start; nil: at the folder of the document's own path.
        package var bounds: DocumentBounds?
        /// How long tasks may go on after `drain`, and a keeper stays for its snapshots.
        package var grace: Duration
        /// Leave once no run is open.
        package var leavesWhenIdle: Bool
        package var timing: NodeTiming
        /// Called many times a second while the process is well.
        package var beat: @Sendable () -> Void

        package init(
            place: CoordinatorPlace, insecureNetwork: Bool = false, joinToken: @escaping @Sendable () -> String?,
            role: Join.Role, slots: Int = 1,
            environment: [String: String], bounds: DocumentBounds? = nil, grace: Duration = Limits.drainGrace,
            leavesWhenIdle: Bool = false, timing: NodeTiming = NodeTiming(), beat: @escaping @Sendable () -> Void = {}
        ) {
            self.place = place
            self.insecureNetwork = insecureNetwork
            self.joinToken = joinToken
            self.role = role
            self.slots = slots
            self.environment = environment
            self.bounds = bounds
            self.grace = grace
            self.leavesWhenIdle = leavesWhenIdle
            self.timing = timing
            self.beat = beat
        }
    }

    package enum Outcome: Sendable, Equatable {
        /// The coordinator says that no work will come, or none came and the node may leave.
        case done
        /// The process was asked to.
        case drained
        /// The coordinator fell silent for longer than patience lasts: a new process may have more luck.
        case wedged
    }

    package typealias AskerMaker = @Sendable () throws(ClusterError) -> any Asking

    private let configuration: Configuration
    private let makeAsker: AskerMaker
    private let log: @Sendable (String) -> Void
    private let board: NodeBoard
    private let holds = SnapshotHolds()
    private let threadCount = Mutex(0)

    /// - `log`: takes fixed sentences with names and counts, never a value.
    /// - `makeAsker`: nil: sockets to the configured place.
    /// - Throws: the place cannot be used. Tried here once, so that it is an error and not a silent thread.
    package init(
        _ configuration: Configuration, makeAsker: AskerMaker? = nil, log: @escaping @Sendable (String) -> Void
    ) throws(ClusterError) {
        self.configuration = configuration
        if let makeAsker {
            self.makeAsker = makeAsker
        } else {
            let (place, insecure) = (configuration.place, configuration.insecureNetwork)
            self.makeAsker = { () throws(ClusterError) -> any Asking in try Asker(place, insecure: insecure) }
        }
        try self.makeAsker().close()
        self.log = log
        var random = SystemRandomNumberGenerator()
        let join = Join(
            role: configuration.role, slots: max(1, configuration.slots),
            processID: ProcessInfo.processInfo.processIdentifier, host: ProcessInfo.processInfo.hostName,
            build: ProductVersion.text)
        let state = NodeState(
            join: join, grace: configuration.grace, leavesWhenIdle: configuration.leavesWhenIdle,
            timing: configuration.timing, now: NodeClock.now)
        board = NodeBoard(
            state, name: NodeName.choose(configuration.role, using: &random), joinToken: configuration.joinToken,
            letGo: { [holds] run in holds.letGo(run) })
    }

    /// Some coordinator has welcomed the node.
    package var hasJoined: Bool { board.hasJoined }
    /// Rows and bytes read by all attempts, also by those that came to nothing.
    package var amountRead: (rows: Int64, bytes: Int64) { board.amountRead }

    /// The name that the node chose.
    package var name: String { board.name }

    /// From another thread: finish or hand back what runs, then leave.
    package var drain: @Sendable () -> Void { { [board] in board.apply(.drain) } }

    /// Serves until there is no more work. To be called once.
    ///
    /// - Throws: the coordinator refused the node, speaks another protocol, or was never there.
    package func run() throws(ClusterError) -> Outcome {
        start("pulse") { [self] asker in serve(.pulse, asker, slot: nil) }
        for index in 0..<max(1, configuration.slots) {
            start("slot \(index)") { [self] asker in
                let slot = Slot(configuration, board: board, asker: asker, holds: holds, log: log)
                serve(.slot(index), asker, slot: slot)
                slot.rest(isIdle: true)
            }
        }
        keepHolds()
        // A slot whose task does not notice that it is over is left to the end of the process.
        let deadline = NodeClock.now + Limits.requestTimeout
        while threadCount.withLock({ $0 }) > 0, NodeClock.now < deadline { Self.pause() }
        holds.closeAll()
        return try outcome()
    }

    private func outcome() throws(ClusterError) -> Outcome {
        if let failure = board.failure { throw failure }
        switch board.outcome {
        case .refused(let reason): throw ClusterError(.refused, reason: reason)
        case .silent:
            if !board.hasJoined { throw ClusterError(.unanswered, reason: "no coordinator answers") }
            log("\(board.name): the coordinator fell silent")
            return .wedged
        case .drained: return .drained
        case .done, nil: return .done
        }
    }

    // MARK: Threads

    private func start(_ name: String, _ body: @escaping @Sendable (any Asking) -> Void) {
        threadCount.withLock { $0 += 1 }
        let thread = Thread { [self] in
            defer { threadCount.withLock { $0 -= 1 } }
            do throws(ClusterError) {
                let asker = try makeAsker()
                body(asker)
                asker.close()
            } catch { board.fail(error) }
        }
        thread.name = name
        thread.stackSize = 8 << 20
        thread.start()
    }

    /// The loop of one voice.
    private func serve(_ voice: NodeState.Voice, _ asker: any Asking, slot: Slot?) {
        while true {
            switch board.next(for: voice) {
            case .over: return
            case .wait: Self.pause()
            case .ask(let request): ask(request, voice, asker, slot)
            case .perform(let grant):
                guard let slot else { preconditionFailure("the pulse does no task") }
                board.apply(.ended(token: grant.token, slot.perform(grant)))
            }
        }
    }

    private func ask(_ request: Request, _ voice: NodeState.Voice, _ asker: any Asking, _ slot: Slot?) {
        guard let call = board.call(request) else { return board.apply(.unanswered(voice)) }
        let sent = NodeClock.now
        do throws(ClusterError) {
            let reply = try asker.ask(call, patience: Limits.requestTimeout)
            if case .noWork(_, let isIdle) = reply { slot?.rest(isIdle: isIdle) }
            if case .complete = request, reply == .fenced {
                log("\(board.name): a finished task was granted to another meanwhile; its part stays unused")
            }
            board.apply(.answered(voice, reply, sent: sent))
        } catch {
            if error.code == .unanswered { board.apply(.unanswered(voice)) } else { board.fail(error) }
        }
    }

    /// Looks at the time until the node is over, and keeps snapshots alive meanwhile. A lost one is no longer told to the
    /// coordinator; readers cannot go on with it either.
    private func keepHolds() {
        var lastKept = NodeClock.now
        while true {
            board.apply(.tick)
            configuration.beat()
            if board.isOver { return }
            holds.sweep()
            if NodeClock.now - lastKept > Limits.snapshotKeepAlive {
                lastKept = NodeClock.now
                for run in holds.keepAlive() {
                    log("\(board.name): the snapshots of run \(run) were lost")
                    board.apply(.holdLost(run: run))
                }
            }
            Self.pause()
        }
    }

    private static func pause() { Thread.sleep(forTimeInterval: 0.01) }
}
