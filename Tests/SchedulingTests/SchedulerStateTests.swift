import Cluster
import Model
import Testing

@testable import Coordinator

@Suite("The scheduler")
struct SchedulerStateTests {
    @Test("a process with a wrong join secret is refused and leaves no trace")
    func wrongSecret() {
        var fixture = Fixture()
        let step = fixture.send(
            .join(Join(secret: "other", role: .worker, processID: 1, host: "", build: ProductVersion.text)))
        #expect(step.reply == .refused(reason: "wrong join secret"))
        #expect(step.records.isEmpty && fixture.state.isQuiet)
    }

    @Test("planning goes to the keeper alone; shards go to workers alone, the largest first")
    func roles() {
        var fixture = Fixture()
        let worker = fixture.join(.worker)
        #expect(fixture.poll(worker) == nil)
        let keeper = fixture.planned(sizes: [5, 50, 20])
        #expect(fixture.poll(keeper) == nil)
        #expect(fixture.poll(worker)?.task == .shard(table: "t", index: 1))
        #expect(fixture.poll(worker)?.task == .shard(table: "t", index: 2))
    }

    @Test("a silent worker's shard is granted again, one epoch and a token higher, and its late receipt is fenced")
    func regrantAfterSilence() throws {
        var fixture = Fixture()
        let keeper = fixture.planned(sizes: [1])
        let (a, b) = (fixture.join(.worker, process: 1), fixture.join(.worker, process: 2))
        let first = try fixture.granted(a)
        for second in stride(from: 2, through: 14, by: 2) {
            fixture.seconds = second
            _ = fixture.send(.heartbeat(worker: b, tasks: []))
            _ = fixture.send(.heartbeat(worker: keeper, tasks: []))
            _ = fixture.state.handle(.tick, now: fixture.now)
        }
        let second = try fixture.granted(b)
        #expect(second.epoch == 2 && second.token > first.token)
        // It was declared lost, so it must join again; whatever it says of the old token changes nothing.
        let again = fixture.join(.worker, process: 1)
        let late = fixture.send(
            .complete(worker: again, token: first.token, result: .part(Fixture.receipt(first))))
        #expect(late.reply == .fenced)
        let accepted = fixture.send(
            .complete(worker: b, token: second.token, result: .part(Fixture.receipt(second))))
        #expect(accepted.reply == .accepted && accepted.publishes)
        #expect(fixture.state.manifest.map(\.epoch) == [2])
    }

    @Test("the same receipt twice is accepted twice and counted once")
    func repeatedReceipt() throws {
        var fixture = Fixture()
        _ = fixture.planned(sizes: [1, 1])
        let worker = fixture.join(.worker)
        let grant = try fixture.granted(worker)
        let receipt = Request.complete(worker: worker, token: grant.token, result: .part(Fixture.receipt(grant)))
        #expect(fixture.send(receipt).records.count == 1)
        let again = fixture.send(receipt)
        #expect(again.reply == .accepted && again.records.isEmpty)
        #expect(fixture.state.manifest.count == 1)
    }

    @Test("a receipt whose rows do not add up fails the run")
    func unbalanced() throws {
        var fixture = Fixture()
        _ = fixture.planned(sizes: [1])
        let worker = fixture.join(.worker)
        let grant = try fixture.granted(worker)
        let step = fixture.send(
            .complete(worker: worker, token: grant.token, result: .part(Fixture.receipt(grant, rows: 10, published: 9))))
        #expect(!step.publishes)
        guard case .failed = fixture.state.phase else {
            Issue.record("the run goes on")
            return
        }
    }

    @Test("the run is published once, when the last shard is accepted")
    func publishesOnce() throws {
        var fixture = Fixture()
        _ = fixture.planned(sizes: [1, 2])
        let worker = fixture.join(.worker)
        var published = 0
        for _ in 0..<2 {
            let grant = try fixture.granted(worker)
            let step = fixture.send(
                .complete(worker: worker, token: grant.token, result: .part(Fixture.receipt(grant))))
            published += step.publishes ? 1 : 0
        }
        #expect(published == 1 && fixture.state.phase == .sealed)
        _ = fixture.state.handle(.published(version: 3), now: fixture.now)
        #expect(fixture.state.phase == .published(version: 3) && fixture.state.isOver)
        #expect(fixture.send(.poll(worker: worker)).reply == .drain)
    }

    @Test("a failure that may pass is tried again after a pause, a lasting one ends the run")
    func failures() throws {
        var fixture = Fixture()
        _ = fixture.planned(sizes: [1])
        let worker = fixture.join(.worker)
        let first = try fixture.granted(worker)
        let passing = TaskFailure(kind: .source, disposition: .retry, message: "busy")
        _ = fixture.send(.fail(worker: worker, token: first.token, failure: passing))
        #expect(fixture.poll(worker) == nil)
        fixture.seconds = 5
        let second = try fixture.granted(worker)
        #expect(second.epoch == 2)
        let lasting = TaskFailure(kind: .data, disposition: .failRun, message: "no")
        _ = fixture.send(.fail(worker: worker, token: second.token, failure: lasting))
        #expect(fixture.state.phase == .failed(lasting))
        #expect(fixture.send(.poll(worker: worker)).reply == .drain)
    }

    @Test("a shard on which three workers died is not tried on a fourth")
    func poison() throws {
        var fixture = Fixture()
        _ = fixture.planned(sizes: [1])
        for process in Int32(1)...3 {
            let worker = fixture.join(.worker, process: process)
            _ = try fixture.granted(worker)
            _ = fixture.state.handle(.processEnded(processID: process), now: fixture.now)
        }
        guard case .failed(let failure) = fixture.state.phase else {
            Issue.record("the run goes on")
            return
        }
        #expect(failure.message.contains("three workers died"))
    }

    @Test("a lost keeper fails a run that reads a database, and not one that reads files", arguments: [true, false])
    func lostKeeper(isDatabase: Bool) {
        var fixture = Fixture()
        _ = fixture.planned(sizes: [1], isDatabase: isDatabase)
        _ = fixture.state.handle(.processEnded(processID: 100), now: fixture.now)
        if case .failed(let failure) = fixture.state.phase {
            #expect(isDatabase && failure.kind == .snapshotLost)
        } else {
            #expect(!isDatabase)
        }
    }

    @Test("draining grants nothing new and is over when nothing runs")
    func draining() throws {
        var fixture = Fixture()
        _ = fixture.planned(sizes: [1, 2])
        let worker = fixture.join(.worker)
        let grant = try fixture.granted(worker)
        _ = fixture.state.handle(.drain, now: fixture.now)
        #expect(!fixture.state.isOver)
        let heard = fixture.send(
            .heartbeat(worker: worker, tasks: [TaskProgress(token: grant.token, rows: 5, bytes: 9)]))
        #expect(heard.reply == .alive(revoked: [], isDraining: true))
        _ = fixture.send(.release(worker: worker, token: grant.token))
        #expect(fixture.state.isOver)
        #expect(fixture.send(.poll(worker: worker)).reply == .drain)
    }

    @Test("the plan and the document are fetched in slices that fit a message")
    func slices() throws {
        var fixture = Fixture()
        _ = fixture.planned(sizes: [Int64](repeating: 1, count: 2000))
        let worker = fixture.join(.worker)
        var bytes: [UInt8] = []
        var total = 1
        while bytes.count < total {
            let step = fixture.send(.fetch(worker: worker, text: .plan, offset: bytes.count))
            guard case .slice(let piece, let whole) = step.reply, let decoded = Base64.decode(piece) else { break }
            let frame = try WireFormat.frame(step.reply!, id: .random())
            #expect(frame.count <= Limits.bytesPerMessage)
            bytes += decoded
            total = whole
        }
        #expect(PlanCodec().decode(bytes) == fixture.state.plan)
    }

    /// Messages lost, doubled and late, workers that die and return: whatever the order, each shard is accepted once.
    @Test("any order of losses, repetitions and deaths ends with every shard accepted once", arguments: 0..<300)
    func disorder(seed: UInt64) {
        var random = Seeded(state: seed)
        var fixture = Fixture()
        let keeper = fixture.planned(sizes: [3, 1, 2, 5, 4])
        var held: [(worker: String, grant: Grant)] = []
        var workers = (0..<3).map { fixture.join(.worker, process: Int32($0)) }
        var accepted: [Int: Int] = [:]
        for step in 0..<2000 where fixture.state.phase == .extracting {
            fixture.seconds = step / 2
            _ = fixture.send(.heartbeat(worker: keeper, tasks: []))
            switch random.next() % 8 {
            case 0, 1:
                let worker = workers[Int(random.next() % 3)]
                if let grant = fixture.poll(worker) { held.append((worker, grant)) }
            case 2, 3:
                guard !held.isEmpty else { continue }
                // Taken, doubled or late: the holder may long have lost its lease.
                let (worker, grant) = held[Int(random.next() % UInt64(held.count))]
                let answer = fixture.send(
                    .complete(worker: worker, token: grant.token, result: .part(Fixture.receipt(grant))))
                if answer.records.contains(where: { if case .accepted = $0 { true } else { false } }),
                    case .shard(_, let index) = grant.task
                {
                    accepted[index, default: 0] += 1
                }
            case 4:
                let busy = TaskFailure(kind: .source, disposition: .retry, message: "busy")
                guard random.next() % 16 == 0, let (worker, grant) = held.last else { continue }
                _ = fixture.send(.fail(worker: worker, token: grant.token, failure: busy))
            case 5:
                let index = Int(random.next() % 3)
                _ = fixture.send(.leave(worker: workers[index]))
                workers[index] = fixture.join(.worker, process: Int32(index))
            default:
                for worker in workers where random.next() % 4 != 0 {
                    let tasks = held.filter { $0.worker == worker }.map {
                        TaskProgress(token: $0.grant.token, rows: 1, bytes: 1)
                    }
                    _ = fixture.send(.heartbeat(worker: worker, tasks: tasks))
                }
                _ = fixture.state.handle(.tick, now: fixture.now)
            }
        }
        #expect(fixture.state.phase == .sealed || fixture.state.phase.isFailure, "seed \(seed)")
        #expect(accepted.values.allSatisfy { $0 == 1 }, "seed \(seed)")
        if fixture.state.phase == .sealed { #expect(accepted.count == 5 && fixture.state.manifest.count == 5) }
    }
}

extension SchedulerState.Phase {
    fileprivate var isFailure: Bool { if case .failed = self { true } else { false } }
}

/// SplitMix64.
private struct Seeded {
    var state: UInt64
    mutating func next() -> UInt64 {
        state &+= 0x9E37_79B9_7F4A_7C15
        var z = state
        z = (z ^ (z >> 30)) &* 0xBF58_476D_1CE4_E5B9
        z = (z ^ (z >> 27)) &* 0x94D0_49BB_1331_11EB
        return z ^ (z >> 31)
    }
}
