import Cluster
import Model
import Testing

@testable import Coordinator

@Suite("The coordinator's loop")
struct CoordinatorServiceTests {
    /// The wish to stop at once comes in the moment in which the run ends, while a worker is still there.
    private func outcome(of event: SchedulerState.Event) throws -> CoordinatorService.Outcome {
        var fixture = Fixture()
        _ = fixture.join(.worker)
        var mustStop = false
        let service = CoordinatorService(
            state: fixture.state, socket: try ReplySocket(listeningOn: "tcp://127.0.0.1:0"),
            duties: .init(
                record: { _ in }, publish: { _, _ in .success(1) }, report: { _, _ in },
                outside: {
                    defer { mustStop = true }
                    return mustStop ? [] : [event]
                },
                mustStop: { mustStop }))
        return service.run()
    }

    @Test("stopping at once does not take back what a run came to: a commit without an answer stays one")
    func over() throws {
        let unknown = TaskFailure(kind: .target, disposition: .failRun, message: "no answer", code: "unknown")
        guard case .failed(let failure) = try outcome(of: .publishingFailed(unknown)) else {
            Issue.record("the run's files would be discarded")
            return
        }
        #expect(failure == unknown)
    }

    @Test("a run that is not over stops at once")
    func underWay() throws {
        guard case .stopped = try outcome(of: .tick) else {
            Issue.record("the run went on")
            return
        }
    }
}
