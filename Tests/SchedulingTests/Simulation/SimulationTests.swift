import Foundation
import Synchronization
import Testing

@Suite("A cluster in virtual time")
struct SimulationTests {
    /// Scenarios that once showed a mistake.
    static let kept: [UInt64] = [12496, 88771]

    /// `ETL_SIMULATION_SEEDS` says how many; `ETL_SIMULATION_FIRST` where they begin.
    static let count = Int(environment("ETL_SIMULATION_SEEDS") ?? "") ?? 1000
    static let first = UInt64(environment("ETL_SIMULATION_FIRST") ?? "") ?? 0
    static let batches = 16
    static let hasFailed = Atomic(false)

    static func environment(_ name: String) -> String? { ProcessInfo.processInfo.environment[name] }

    @Test("keeps its promises whatever goes wrong")
    func random() async {
        let started = ContinuousClock.now
        let events = await withTaskGroup(of: Int.self) { group in
            for batch in 0..<Self.batches {
                group.addTask {
                    var events = 0
                    // One that fails is enough.
                    for index in stride(from: batch, to: Self.count, by: Self.batches)
                    where !Self.hasFailed.load(ordering: .relaxed) {
                        let seed = Self.first + UInt64(index)
                        events += Self.play(.random(seed: seed), seed: seed)
                    }
                    return events
                }
            }
            return await group.reduce(0, +)
        }
        #expect(events > Self.count * 100)
        if Self.environment("ETL_SIMULATION_SEEDS") != nil {
            print("simulated \(Self.count) seeds, \(events) events, \(ContinuousClock.now - started)")
        }
    }

    @Test("keeps its promises where it once did not", arguments: kept)
    func regression(seed: UInt64) { Self.play(.random(seed: seed), seed: seed) }

    @Test("the scenarios of the folder come to what they say", arguments: try ScenarioFile.all())
    func scenario(file: ScenarioFile) throws {
        let scenario = try file.scenario()
        for seed in UInt64(0)..<5 { Self.play(scenario, seed: seed) }
    }

    @Test("the same seed is the same history")
    func determinism() {
        let histories = (0..<2).map { _ in
            let simulation = Simulation(.random(seed: 7), seed: 7, isLogged: true)
            simulation.run()
            return simulation.log ?? []
        }
        #expect(histories[0] == histories[1] && histories[0].count > 50)
    }

    /// - Returns: how many events it took.
    @discardableResult
    static func play(_ scenario: Scenario, seed: UInt64) -> Int {
        let simulation = Simulation(scenario, seed: seed, isLogged: environment("ETL_SIMULATION_LOG") != nil)
        if !simulation.run() {
            hasFailed.store(true, ordering: .relaxed)
            let text = (try? JSONEncoder().encode(scenario)).map { String(decoding: $0, as: UTF8.self) } ?? ""
            Issue.record("seed \(seed): \(simulation.violations.joined(separator: "; "))\n\(text)")
        }
        for line in simulation.log ?? [] { print("\(seed) \(line)") }
        return simulation.eventCount
    }
}

@Suite("Random scenarios")
struct RandomScenarioTests {
    /// Each thing that may go wrong does, and each end that a run may have is had.
    @Test("random scenarios reach what they are meant to reach")
    func coverage() {
        var seen: Set<String> = []
        for seed in UInt64(0)..<60 {
            let simulation = Simulation(.random(seed: seed), seed: seed, isLogged: true)
            simulation.run()
            for line in simulation.log ?? [] { seen.formUnion(line.split(separator: " ").map(String.init)) }
        }
        for word in [
            "accepted", "published", "aborted", "holding", "letGo", "released", "failed", "leads", "kill", "pause",
            "cut",
            "ledgerDown", "killAfterWrite", "drain", "foreignVersion", "stranger", "created", "wasThere", "discards",
            "kept", "anew",
        ] { #expect(seen.contains(word), "\(word) never happens") }
    }
}

/// A scenario as data.
struct ScenarioFile: Sendable, CustomTestStringConvertible {
    let url: URL

    var testDescription: String { url.lastPathComponent }

    static let folder = URL(filePath: #filePath).deletingLastPathComponent().appending(
        path: "../../../cluster/scenarios/simulated")

    static func all() throws -> [ScenarioFile] {
        try FileManager.default.contentsOfDirectory(at: folder, includingPropertiesForKeys: nil)
            .filter { $0.lastPathComponent.hasPrefix("sim-") && $0.pathExtension == "json" }
            .sorted { $0.path < $1.path }.map(ScenarioFile.init)
    }

    func scenario() throws -> Scenario { try JSONDecoder().decode(Scenario.self, from: Data(contentsOf: url)) }
}
