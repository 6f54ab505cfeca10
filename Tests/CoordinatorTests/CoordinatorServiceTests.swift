import Cluster
import Metadata
import Model
import ModuleStore
import Scheduling
import Synchronization
import Testing

@testable import Coordinator

@Suite("The coordinator's loop", .serialized)
struct CoordinatorServiceTests {
    private static let start = RunStart(
        run: "run-1", module: "m", attempt: "run-1", documentDigest: "", startedAt: "2026-11-26T00:00:00Z",
        actor: "test")

    private func state() -> ClusterState {
        var policy = ClusterState.Policy()
        policy.leavesWhenDone = true
        var state = ClusterState(
            epoch: 1, credential: NodeCredential(secret: Array("s3cret".utf8)), policy: policy, now: NodeClock.now)
        _ = state.handle(.opened(Self.start, document: []), now: NodeClock.now)
        let join = Join(role: .worker, slots: 1, processID: 1, host: "here", build: ProductVersion.text)
        _ = state.handle(
            .call(Call(node: "worker-1", credential: "", request: .join(join))), now: NodeClock.now)
        return state
    }

    /// The wish to stop at once comes in the moment after the event, while a worker is still there.
    private func ended(by event: ClusterState.Event) throws -> (CoordinatorService.Ending, ClusterState) {
        var mustStop = false
        let service = CoordinatorService(
            state: state(), server: try ReplyServer(listeningOn: ["tcp://127.0.0.1:0"]),
            duties: .init(
                record: { _ in }, perform: { _, _ in },
                outside: {
                    defer { mustStop = true }
                    return mustStop ? [] : [event]
                }, refusal: { _, _ in nil }, mustStop: { mustStop }),
            endsWhenOver: true)
        return (service.run(), service.state)
    }

    @Test("stopping at once does not take back what a run came to: a commit without an answer stays one")
    func over() throws {
        let unknown = TaskFailure(
            kind: .target, disposition: .failRun, message: "no answer", code: StoreError.Code.unknown.rawValue)
        let (ending, state) = try ended(by: .undecided(run: "run-1", unknown))
        guard case .over = ending else {
            Issue.record("the run's files would be discarded")
            return
        }
        #expect(state.ended.last?.failure == unknown && unknown.isUnknownCommit)
    }

    @Test("a run that is not over stops at once")
    func underWay() throws {
        guard case .stopped = try ended(by: .tick).0 else {
            Issue.record("the run went on")
            return
        }
    }

    @Test("what is being published is waited for after a first signal, and left to the ledger after a second")
    func publishing() throws {
        let plan = RunPlan(
            about: ModuleAbout(module: "m", title: "", description: "", documentDigest: ""), codec: .zstd, sources: [],
            keys: [], tables: [], warnings: [])
        let sealed = RecoveredRun(
            start: Self.start, document: [], state: .sealed, planning: nil, plan: plan, shards: [], holders: [:],
            sealedAt: nil, commitRecord: nil, version: nil, failure: nil, changedAt: "")
        var policy = ClusterState.Policy()
        policy.leavesWhenDone = true
        let state = ClusterState(
            epoch: 1, credential: NodeCredential(secret: Array("s3cret".utf8)), policy: policy, recovered: [sealed],
            now: NodeClock.now)
        for isSecond in [false, true] {
            var turns = 0
            let service = CoordinatorService(
                state: state, server: try ReplyServer(listeningOn: ["tcp://127.0.0.1:0"]),
                duties: .init(
                    record: { _ in }, perform: { _, _ in },
                    outside: {
                        turns += 1
                        return turns == 1 ? [.drain] : turns == 4 ? [.published(run: "run-1", version: 1)] : []
                    }, refusal: { _, _ in nil }, mustStop: { isSecond && turns >= 2 }),
                endsWhenOver: true)
            switch service.run() {
            case .over: #expect(!isSecond && service.state.ended.last?.phase == .published)
            case .stopped: #expect(isSecond && service.state.isPublishing && turns == 2)
            case .deposed: Issue.record("nothing was to be written")
            }
        }
    }

    @Test("nobody hears of what could not be written: the loop ends, and the question stays without an answer")
    func unwritten() throws {
        let server = try ReplyServer(listeningOn: ["tcp://127.0.0.1:0"])
        let heard = Mutex<Reply?>(nil)
        let credential = NodeCredential(secret: Array("s3cret".utf8))
        let address = server.addresses[0]
        let asker = BackgroundAsker(address: address) { asker in
            let reply = try? asker.ask(
                Call(node: "keeper-1", credential: credential.text(for: "keeper-1"), request: .poll), patience: .zero)
            heard.withLock { $0 = reply }
        }
        let service = CoordinatorService(
            state: state(), server: server,
            duties: .init(
                record: { records throws(LedgerError) in
                    guard records.isEmpty else { throw LedgerError(.deposed, "ledger", "another leads") }
                }, perform: { _, _ in }, outside: { [] }, refusal: { _, _ in nil }),
            endsWhenOver: true)
        guard case .deposed(let error?) = service.run() else {
            Issue.record("the loop went on without its ledger")
            return
        }
        #expect(error.code == .deposed)
        server.close()
        asker.wait()
        #expect(heard.withLock { $0 } == nil)
    }

    @Test("a loop that no longer leads ends")
    func leadLost() throws {
        let service = CoordinatorService(
            state: state(), server: try ReplyServer(listeningOn: ["tcp://127.0.0.1:0"]),
            duties: .init(
                record: { _ in }, perform: { _, _ in }, outside: { [] }, refusal: { _, _ in nil }, leads: { false }),
            endsWhenOver: false)
        guard case .deposed(nil) = service.run() else {
            Issue.record("it went on")
            return
        }
    }

    @Test("processes and people are let in by different tokens, and a repeated poll gets the same grant")
    func doors() throws {
        let server = try ReplyServer(listeningOn: ["tcp://127.0.0.1:0"])
        let replies = Mutex<[Reply?]>([])
        let isDone = Mutex(false)
        let join = Join(role: .keeper, slots: 1, processID: 2, host: "here", build: ProductVersion.text)
        let asker = BackgroundAsker(address: server.addresses[0]) { asker in
            func ask(_ credential: String, _ request: Request) -> Reply? {
                try? asker.ask(Call(node: "keeper-1", credential: credential, request: request), patience: .seconds(5))
            }
            let refused = ask("wrong", .join(join))
            let welcome = ask("token", .join(join))
            let stranger = ask("nobody", .poll)
            var credential = ""
            if case .welcome(let text) = welcome { credential = text }
            let granted = ask(credential, .poll)
            let person = ask("token", .status(run: nil))
            let known = ask("person", .status(run: nil))
            replies.withLock { $0 = [refused, welcome, stranger, granted, person, known] }
            isDone.withLock { $0 = true }
        }
        let service = CoordinatorService(
            state: state(), server: server,
            duties: .init(
                record: { _ in }, perform: { _, _ in }, outside: { [] },
                refusal: { call, _ in call.credential == "token" ? nil : "no join token" },
                admitsPeople: { $0.credential == "person" }, mustStop: { isDone.withLock { $0 } }),
            endsWhenOver: false)
        _ = service.run()
        asker.wait()
        let heard = replies.withLock { $0 }
        #expect(heard[0] == .refused(reason: "no join token"))
        guard case .welcome = heard[1], case .grant(let grant) = heard[3], case .status = heard[5] else {
            Issue.record("\(heard)")
            return
        }
        #expect(heard[2] == .unknownNode && grant.task == .plan)
        #expect(heard[4] == .refused(reason: "no operator's token"))
    }
}
