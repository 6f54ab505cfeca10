import Cluster
import Foundation
import Model
import Testing

@testable import Scheduling

/// Messages that are well-formed and mean harm, from joined workers, joined keepers and operators, in an order that a seed
/// decides; beside them a keeper and a worker that do their work. What the office does is done here, late and badly.
///
/// Hostile nodes hand back what they are given of the good run: whoever has a shard may fail its run, which is told in
/// `ops/threat-model.md`.
struct HostileStorm {
    private var fixture = Fixture()
    private var random: SplitMix
    private var tokens: [Int64] = [0, -1, 1, .min, .max]
    /// By token: who has it, and what it is.
    private var grants: [Int64: (node: String, grant: Grant)] = [:]
    private var runs: [String] = ["", "good", "no such run", String(repeating: "r", count: 60_000)]
    private var waiting: [ClusterState.Event] = []
    private var replays: [(String, Request)] = []
    private var runCount = 0
    private(set) var hasPublished = false
    private(set) var ended = 0

    private static let hostile = ["worker-h1", "worker-h2", "worker-h3", "keeper-h1", "keeper-h2", "operator-h"]

    init(seed: UInt64) { random = SplitMix(state: seed) }

    mutating func run(messages: Int) throws {
        for name in ["keeper-good", "worker-good"] + Self.hostile where !name.hasPrefix("operator") {
            _ = fixture.join(name)
        }
        fixture.open("good", module: "good")
        for number in 0..<messages {
            if number % 20 == 0 { work() }
            if number % 25 == 0 { pass() }
            let name = Self.hostile.randomElement(using: &random)!
            let request = chance(10) ? replays.randomElement(using: &random)?.1 : nil
            try send(name, request ?? makeRequest(by: name), check: number % 40 == 0)
        }
        for _ in 0..<4000 where !hasPublished {
            work()
            pass()
        }
        try expectBounds()
    }

    // MARK: What is sent

    private mutating func send(_ name: String, _ request: Request, check: Bool) throws {
        if replays.count < 200 {
            replays.append((name, request))
        } else {
            replays[.random(in: 0..<200, using: &random)] = (name, request)
        }
        // Names are the sender's to choose: mostly its own.
        let step = fixture.send(chance(20) ? (words(name)) : name, request)
        take(step)
        guard let reply = step.reply else { return }
        if case .grant(let grant) = reply {
            tokens.append(grant.token)
            if tokens.count > 64 { tokens.remove(at: 5) }
            if grant.run == "good" {
                take(fixture.send(name, .release(run: grant.run, token: grant.token)))
            } else {
                grants[grant.token] = (name, grant)
            }
        }
        if check {
            #expect(try WireFormat.frame(reply, id: .random()).count <= Limits.bytesPerMessage, "\(request)")
            try expectBounds()
        }
    }

    private mutating func makeRequest(by name: String) -> Request {
        if name.hasPrefix("operator") { return makeOrder() }
        let (token, grant) = someGrant(of: name)
        let run = chance(3) ? runs.randomElement(using: &random)! : grant?.run ?? "good"
        switch Int.random(in: 0..<12, using: &random) {
        case 0:
            return .join(
                Join(
                    role: chance(2) ? .worker : .keeper, slots: Int(number()),
                    processID: .random(in: .min ... .max, using: &random),
                    host: words(name), build: chance(2) ? ProductVersion.text : words("")))
        case 1, 2, 3: return .poll
        case 4:
            return .heartbeat(
                tasks: (0..<Int.random(in: 0..<50, using: &random)).map { _ in
                    TaskProgress(token: tokens.randomElement(using: &random)!, rows: number(), bytes: number())
                }, holding: (0..<Int.random(in: 0..<5, using: &random)).map { _ in runs.randomElement(using: &random)! }
            )
        case 5: return .fetch(run: run, text: chance(2) ? .plan : .document, offset: Int(number()))
        case 6:
            guard name.hasPrefix("keeper") else { return .poll }
            return .upload(run: run, token: token, offset: Int(number()), total: Int(number()), bytes: words("AAAA"))
        case 7, 8:
            guard name.hasPrefix("keeper"), let grant, grant.task == .plan else { return .poll }
            let bytes = makePlan(module: "m").prefix(40_000)
            take(
                fixture.send(
                    name,
                    .upload(
                        run: grant.run, token: grant.token, offset: 0, total: bytes.count, bytes: Base64.encode(bytes)))
            )
            return .complete(run: grant.run, token: grant.token, result: .plan)
        case 9:
            guard let grant, case .shard(let table, let index) = grant.task else {
                return .complete(
                    run: run, token: token,
                    result: .held((0..<3).map { _ in SnapshotHold(source: words("source"), snapshot: words("1")) }))
            }
            var receipt = PartReceipt(
                table: table, shard: index, epoch: grant.epoch, stagedPath: words("p"), byteCount: 1,
                sha256: SHA256.hexadecimal("part"), rows: RowAccount(read: 5, published: 5), rules: [])
            if chance(4) { receipt.rows = RowAccount(read: number(), published: number(), filtered: number()) }
            if chance(4) { receipt.byteCount = number() }
            if chance(4) { receipt.sha256 = words("00") }
            if chance(4) { receipt.epoch = Int(number()) }
            if chance(4) { receipt.handle = words("h") }
            if chance(3) {
                receipt.rules = (0..<3).map {
                    RuleCount(column: words("a"), step: $0, rowsIn: number(), changed: number())
                }
            }
            return .complete(run: run, token: token, result: .part(receipt))
        case 10:
            return .fail(
                run: run, token: token,
                failure: TaskFailure(
                    kind: [.worker, .snapshotLost, .target].randomElement(using: &random)!,
                    disposition: [.retry, .retryElsewhere, .failRun].randomElement(using: &random)!,
                    message: words("m"),
                    code: chance(3) ? TaskFailure.unknownCommit : words("c")))
        default: return chance(8) ? .leave : .release(run: run, token: token)
        }
    }

    private mutating func makeOrder() -> Request {
        switch Int.random(in: 0..<6, using: &random) {
        case 0: return .status(run: chance(2) ? nil : runs.randomElement(using: &random)!)
        case 1:
            let run = runs.randomElement(using: &random)!
            return .cancel(run: run == "good" ? "" : run)
        case 2:
            return .submit(
                Submission(
                    id: words("s"), documentPath: words("d"), restartsOnSnapshotLoss: chance(2), offset: Int(number()),
                    total: Int(number()), bytes: words("AAAA")))
        default:
            runCount += 1
            return .submit(
                HostileTests.submission("s\(runCount)", bytes: Array(words("format: 1").utf8.prefix(30_000))))
        }
    }

    /// A plan whose JSON has some of its numbers and texts replaced.
    private mutating func makePlan(module: String) -> [UInt8] {
        var plan = Fixture.plan(
            sizes: Array(repeating: 5, count: .random(in: 0..<4, using: &random)), isDatabase: chance(2), module: module
        )
        plan.tables[0].columns = [Fixture.column("a")]
        if chance(6) { plan.tables += plan.tables }
        var bytes = PlanCodec().encode(plan)
        if chance(2) { return bytes }
        let digits = bytes.indices.filter { (0x30...0x39).contains(bytes[$0]) }
        for place in digits.shuffled(using: &random).prefix(2).sorted(by: >) {
            bytes.replaceSubrange(place...place, with: "\(number())".utf8)
        }
        return bytes
    }

    // MARK: The office, and time

    private mutating func take(_ step: ClusterState.Step) {
        for action in step.actions {
            switch action {
            case .open(let id, let path, let document, let restarts):
                let run = "run-\(id)"
                switch Int.random(in: 0..<5, using: &random) {
                case 0: waiting.append(.submissionRefused(id: id, reason: words("no")))
                case 1: waiting.append(.openingFailed(id: id))
                default:
                    runs.append(run)
                    if runs.count > 64 { runs.remove(at: 4) }
                    var start = Fixture.start(
                        run, module: "m\(Int.random(in: 0..<30, using: &random))", submission: id, restarts: restarts)
                    start.documentPath = path
                    waiting.append(.opened(start, document: document))
                }
            case .publish(let run):
                if run == "good" { hasPublished = true }
                waiting.append(.published(run: run, version: 1))
            case .restart(let start, _):
                waiting.append(
                    .restartFailed(of: start.run, TaskFailure(kind: .target, disposition: .failRun, message: "no")))
            case .discard: break
            }
        }
        for note in step.notes { if case .runOver = note { ended += 1 } }
    }

    private mutating func pass() {
        fixture.milliseconds += .random(in: 0..<400, using: &random)
        for name in Self.hostile where chance(2) { take(fixture.heartbeat(name)) }
        for event in waiting { take(fixture.tell(event)) }
        waiting = []
        take(fixture.tell(.tick))
        grants = grants.filter { fixture.state.leases[$0.key] != nil }
        // Whoever left or was silent comes back.
        for name in Self.hostile where fixture.state.nodes[name] == nil && !name.hasPrefix("operator") {
            _ = fixture.join(name)
        }
    }

    private var held: [Grant] = []

    /// What an honest keeper and an honest worker do in a turn. They do the work of all runs.
    private mutating func work() {
        take(fixture.heartbeat("keeper-good", held, holding: Array(fixture.state.runs.keys)))
        if let grant = fixture.poll("keeper-good") {
            if grant.task == .plan {
                let bytes = PlanCodec().encode(
                    Fixture.plan(sizes: Array(repeating: 5, count: grant.run == "good" ? 30 : 3), isDatabase: true))
                take(
                    fixture.send(
                        "keeper-good",
                        .upload(
                            run: grant.run, token: grant.token, offset: 0, total: bytes.count,
                            bytes: Base64.encode(bytes))))
                take(fixture.send("keeper-good", .complete(run: grant.run, token: grant.token, result: .plan)))
            } else {
                take(fixture.send("keeper-good", .complete(run: grant.run, token: grant.token, result: .held([]))))
            }
        }
        take(fixture.heartbeat("worker-good"))
        if let grant = fixture.poll("worker-good") { take(fixture.complete("worker-good", grant)) }
    }

    private func expectBounds() throws {
        let state = fixture.state
        #expect(state.submissions.count <= Limits.submissionsRemembered + Limits.submissionsAtOnce)
        #expect(state.runs.count <= Limits.openRuns && state.ended.count <= Limits.endedRunsRemembered)
        #expect(state.nodeCount < 100 && state.leases.count <= 100 * Limits.slotsPerWorker)
        #expect(state.leases.count == state.workers.count)
        #expect(state.connections.values.allSatisfy { $0 >= 0 } && state.connections.count < 100)
    }

    // MARK: Chances

    private mutating func chance(_ one: Int) -> Bool { Int.random(in: 0..<one, using: &random) == 0 }

    private mutating func someGrant(of name: String) -> (Int64, Grant?) {
        let own = grants.values.filter { $0.node == name }.map(\.grant).sorted { $0.token < $1.token }
        if !own.isEmpty, !chance(4) {
            let grant = own.randomElement(using: &random)!
            return (grant.token, grant)
        }
        return (tokens.randomElement(using: &random)!, nil)
    }

    private mutating func number() -> Int64 {
        [
            0, 1, -1, 7, .min, .max, .min + 1, .max - 1, 1 << 31, 1 << 44, -(1 << 44),
            .random(in: .min ... .max, using: &random),
        ].randomElement(using: &random)!
    }

    private mutating func words(_ usual: String) -> String {
        switch Int.random(in: 0..<8, using: &random) {
        case 0: return ""
        case 1: return "\0"
        case 2: return String(repeating: "x", count: chance(20) ? 50_000 : 300)
        case 3: return "../../\u{202e}\u{1b}[2J\"\\\n"
        default: return usual
        }
    }
}

/// Numbers that follow from a seed (SplitMix64).
struct SplitMix: RandomNumberGenerator {
    var state: UInt64

    mutating func next() -> UInt64 {
        state &+= 0x9e37_79b9_7f4a_7c15
        var bits = state
        bits = (bits ^ bits >> 30) &* 0xbf58_476d_1ce4_e5b9
        bits = (bits ^ bits >> 27) &* 0x94d0_49bb_1331_11eb
        return bits ^ bits >> 31
    }
}
