import Cluster
import Model
import TestKit

@testable import Scheduling

/// A cluster in virtual time, driven by one generator: two coordinators, nodes, a ledger, a store, sources, people.
///
/// The state of coordinators and nodes is the product's; what they are driven by, and all that they talk to, is modelled.
/// The same scenario and seed give the same events. `violations` says what should never have happened.
///
/// All times but the pauses that the product does not let be set are about a quarter of the product's, so that a seed is
/// cheap. Leases are shorter still, so that they run out whenever a leader dies; or, where the scenario says so, as long in
/// proportion as the product's, so that what workers have in hand outlives it.
final class Simulation {
    enum Times {
        static let heartbeat = 0.5
        static let leadTerm = 3.75, leadRenewal = 1.25, leadTime = 2.5, standby = 0.5
        static let request = 1.0, tick = 0.2, ledger = 0.4
        /// From the end of all faults to that of all runs.
        static let liveness = 120.0
    }

    let scenario: Scenario
    let leaseTime: Double
    let selfFenceTime: Double
    let seed: UInt64
    let calmAt: Int64
    var random: SeededGenerator
    private(set) var now: Int64 = 0
    private var queue = EventQueue()
    private var pushed = 0
    private(set) var eventCount = 0
    private(set) var violations: [String] = []
    /// Lines of what happened, when they are wanted.
    var log: [String]?

    var ledger = ModelLedger()
    var ledgerDownUntil: Int64 = 0
    var store = ModelStore()
    /// Exported snapshots by id.
    var snapshots: [String: Snapshot] = [:]
    var sourceStates = 0
    var cuts: [Cut] = []
    var coordinators: [CoordinatorProcess] = []
    var nodes: [NodeProcess] = []
    var submitters: [Submitter] = []
    var nextID = 0
    /// When runs were over.
    var overSince: [String: Int64] = [:]

    init(_ scenario: Scenario, seed: UInt64, isLogged: Bool = false) {
        self.scenario = scenario
        (leaseTime, selfFenceTime) = scenario.hasLongLeases == true ? (7.5, 5.5) : (3, 2)
        self.seed = seed
        calmAt = Self.nanoseconds(scenario.calmAt)
        random = SeededGenerator(seed: seed)
        if isLogged { log = [] }
    }

    /// - Returns: whether every run ended in time and nothing happened that should not.
    @discardableResult
    func run() -> Bool {
        prepare()
        let end = calmAt + Self.nanoseconds(Times.liveness)
        var checked: Int64 = 0
        var quietSince: Int64?
        while violations.isEmpty, let entry = queue.pop() {
            now = max(now, entry.time)
            if now > end { break }
            if let process = entry.process {
                guard process.generation == entry.generation, process.isUp else { continue }
                if process.pausedUntil > now {
                    queue.push(
                        EventQueue.Entry(
                            time: process.pausedUntil, order: entry.order, process: process,
                            generation: entry.generation,
                            body: entry.body))
                    continue
                }
            }
            eventCount += 1
            entry.body()
            guard now - checked > 500_000_000 else { continue }
            checked = now
            checkIdle()
            checkInTime()
            // What is late may still come for a while.
            quietSince = isOver ? quietSince ?? now : nil
            if let quietSince, now - quietSince > (isCalm ? 0 : 2_000_000_000) { break }
        }
        checkEnd()
        return violations.isEmpty
    }

    private func prepare() {
        coordinators = (0..<2).map { CoordinatorProcess(label: "coordinator-\($0)") }
        nodes =
            (0..<scenario.keepers).map { NodeProcess(label: "keeper-\($0)", role: .keeper, slots: scenario.slots) }
            + (0..<scenario.workers).map { NodeProcess(label: "worker-\($0)", role: .worker, slots: scenario.slots) }
        submitters = scenario.runs.indices.map { Submitter(index: $0, run: scenario.runs[$0]) }
        for coordinator in coordinators { start(coordinator) }
        for node in nodes { start(node) }
        for submitter in submitters { start(submitter) }
        for fault in scenario.script { after(fault.at, on: nil) { [self] in inject(fault) } }
        after(scenario.calmAt, on: nil) { [self] in calmDown() }
    }

    // MARK: Time and chance

    static func nanoseconds(_ seconds: Double) -> Int64 { Int64(seconds * 1e9) }

    var isCalm: Bool { now >= calmAt }

    func after(_ seconds: Double, on process: SimulatedProcess?, _ body: @escaping () -> Void) {
        pushed += 1
        queue.push(
            EventQueue.Entry(
                time: now + Self.nanoseconds(seconds), order: pushed, process: process,
                generation: process?.generation ?? 0,
                body: body))
    }

    func chance(_ rate: Double) -> Bool {
        guard rate > 0, !isCalm else { return false }
        return Double.random(in: 0..<1, using: &random) < rate
    }

    func between(_ least: Double, _ most: Double) -> Double { Double.random(in: least...most, using: &random) }

    func clock(of process: SimulatedProcess) -> Instant {
        Instant(nanoseconds: process.clockOffset + Int64(Double(now) * process.clockRate))
    }

    /// Clocks begin anywhere and run up to a twentieth too fast or slow.
    func setClock(of process: SimulatedProcess) {
        process.clockOffset = Int64.random(in: -1_000_000_000_000...1_000_000_000_000, using: &random)
        process.clockRate = between(0.95, 1.05)
    }

    func newID() -> Int {
        nextID += 1
        return nextID
    }

    // MARK: What is seen

    func violate(_ text: String) { violations.append("\(Double(now / 1_000_000) / 1000) s: \(text)") }

    func note(_ text: @autoclosure () -> String) {
        guard log != nil else { return }
        log!.append("\(Double(now / 1_000_000) / 1000) \(text())")
    }
}
