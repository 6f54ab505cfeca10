import Model
import Testing

@testable import Metadata

@Suite("What a ledger tells whoever takes over")
struct LedgerTakeOverTests {
    private func runs(_ ledger: Ledger, _ name: String, restartOf: String? = nil) throws {
        var start = LedgerStory.start
        (start.run, start.attempt, start.restartsOnSnapshotLoss, start.restartOf) = (name, name, true, restartOf)
        try ledger.begin(start)
    }

    @Test(
        "a run that lost its snapshots is due until one has begun in its place, and there is one",
        arguments: LedgerHome.Kind.allCases)
    func restart(_ kind: LedgerHome.Kind) throws {
        try LedgerHome.with(kind) { home in
            let ledger = try home.open()
            try runs(ledger, "a")
            #expect(try ledger.runsToRestart() == [])
            #expect(throws: LedgerError.self) { try runs(ledger, "early", restartOf: "a") }
            try ledger.append([.aborted(LedgerStory.lost)], run: "a", at: Fixture.ended)
            #expect(try ledger.runsToRestart() == ["a"])
            try runs(ledger, "b", restartOf: "a")
            #expect(try ledger.runsToRestart() == [])
            let second = #expect(throws: LedgerError.self) { try runs(ledger, "c", restartOf: "a") }
            #expect(second?.code == .refused)
            #expect(try ledger.runs().compactMap(\.restartOf) == ["a"])
            // Once: the one in its place does not begin anew.
            try ledger.append([.aborted(LedgerStory.lost)], run: "b", at: Fixture.ended)
            #expect(try ledger.runsToRestart() == [])
            #expect(try ledger.firstBrokenAuditRow() == nil)
        }
    }

    @Test(
        "no run is due that failed otherwise, was not to begin anew, or never can", arguments: LedgerHome.Kind.allCases)
    func noRestart(_ kind: LedgerHome.Kind) throws {
        try LedgerHome.with(kind) { home in
            let ledger = try home.open()
            try ledger.begin(LedgerStory.start)
            try runs(ledger, "a")
            try runs(ledger, "b")
            try ledger.append([.aborted(LedgerStory.lost)], run: Fixture.run, at: Fixture.ended)
            try ledger.append([.aborted(LedgerStory.failure)], run: "a", at: Fixture.ended)
            #expect(try ledger.runsToRestart() == [])
            try ledger.append([.aborted(LedgerStory.lost)], run: "b", at: Fixture.ended)
            #expect(try ledger.runsToRestart() == ["b"])
            try ledger.append([.notRestarted(LedgerStory.failure)], run: "b", at: Fixture.ended)
            #expect(try ledger.runsToRestart() == [])
            for run in ["a", "b"] {
                let error = #expect(throws: LedgerError.self) { try runs(ledger, "c", restartOf: run) }
                #expect(error?.code == .refused)
            }
        }
    }

    @Test("a lease is inherited once, until a coordinator has heard of it", arguments: LedgerHome.Kind.allCases)
    func silence(_ kind: LedgerHome.Kind) throws {
        try LedgerHome.with(kind) { home in
            func lead(_ change: (Ledger) throws -> Void = { _ in }) throws -> [Duration] {
                let ledger = try home.open()
                let silences = try ledger.load(Fixture.run).shards.flatMap(\.leases).map(\.silence)
                try change(ledger)
                return silences
            }
            do {
                let ledger = try LedgerStory.running(try home.open(), shardCount: 2)
                try ledger.append(LedgerStory.grants(0..<2))
                #expect(try ledger.load(Fixture.run).shards.flatMap(\.leases).map(\.silence) == [.zero, .zero])
            }
            #expect(try lead().allSatisfy { $0 < .seconds(10) })
            try home.sql("UPDATE attempt SET inherited_at = inherited_at - 20000")
            // Two coordinators that heard of nobody, the second of one.
            #expect(try lead().allSatisfy { $0 >= .seconds(20) })
            let before = try lead { ledger in
                try ledger.append([LedgerStory.entry(.kept(table: "labs", shard: 1, epoch: 1))])
                #expect(try ledger.load(Fixture.run).shards[1].leases[0].silence == .zero)
            }
            #expect(before.allSatisfy { $0 >= .seconds(20) })
            let silences = try lead { ledger in
                let error = #expect(throws: LedgerError.self) {
                    try ledger.append([LedgerStory.entry(.kept(table: "labs", shard: 1, epoch: 2))])
                }
                #expect(error?.code == .refused)
            }
            #expect(silences[0] >= .seconds(20) && silences[1] < .seconds(10))
        }
    }

    @Test("so is the task of planning", arguments: LedgerHome.Kind.allCases)
    func planning(_ kind: LedgerHome.Kind) throws {
        try LedgerHome.with(kind) { home in
            func lead(_ records: LedgerRecord...) throws -> Duration? {
                let ledger = try home.open()
                defer { withExtendedLifetime(ledger) {} }
                if try ledger.openRuns().isEmpty { try ledger.begin(LedgerStory.start) }
                let silence = try ledger.load(Fixture.run).planning?.silence
                try ledger.append(records, run: Fixture.run, at: Fixture.ended)
                return silence
            }
            #expect(try lead(.planning(epoch: 1, token: 5, worker: "k1")) == nil)
            #expect(try lead()! < .seconds(10))
            try home.sql("UPDATE run SET planning_inherited_at = planning_inherited_at - 20000")
            #expect(try lead()! >= .seconds(20))
            #expect(try lead(.keptPlanning(epoch: 1))! >= .seconds(20))
            #expect(try lead()! < .seconds(10))
            try home.sql("UPDATE run SET planning_inherited_at = planning_inherited_at - 20000")
            #expect(try lead(.planning(epoch: 2, token: 6, worker: "k2"))! >= .seconds(20))
            #expect(try lead()! < .seconds(10))
        }
    }
}
