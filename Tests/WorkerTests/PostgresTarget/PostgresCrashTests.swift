import Foundation
import Model
import ModuleStore
import Synchronization
import TestKit
import Testing

@testable import Worker

/// A publisher that dies at every one of its steps, many times over, while readers verify all that they see.
///
/// To die is to do nothing more: the hook throws, and nothing in the publisher cleans up behind a throw. Then the same
/// attempt is carried on with over other connections, or all is left lying and another attempt begins.
@Suite(
    "Two hundred crash points in PostgreSQL",
    .enabled(if: PostgresTestServer.shared != nil, Comment(rawValue: PostgresTestServer.reasonToSkip)))
struct PostgresCrashTests {
    private struct Stopped: Error {}
    /// Nine steps in each.
    private static let rounds = 23

    @Test("readers see whole versions alone, each for good, and every number once")
    func crashPoints() throws {
        let seed = UInt64.random(in: 0 ... .max)
        print("seed of the crash points: \(seed)")
        var chance = SeededGenerator(seed: seed)
        try withTarget("crashes") { fixture in
            let (isOver, readings) = (Flag(), Flag())
            let readers = (0..<2).map { _ in reader(fixture.database, until: isOver, counting: readings) }
            defer {
                isOver.raise()
                while !readers.allSatisfy(\.isFinished) { Thread.sleep(forTimeInterval: 0.01) }
            }
            var crashes = 0
            for _ in 0..<Self.rounds {
                for step in PublishStep.allCases {
                    try crash(at: step, fixture, carriesOn: Bool.random(using: &chance))
                    crashes += 1
                }
            }
            #expect(try fixture.findings() == [])
            print("\(crashes) crashes, \(readings.count) readings")
            #expect(crashes >= 200)
            #expect(readings.count > 0)
        }
    }

    @Test("a reader that comes while the registry is made sees no version, and no error")
    func firstReader() throws {
        try withTarget("first_reader") { fixture in
            for _ in 0..<20 {
                _ = try fixture.database.run("DROP SCHEMA IF EXISTS etl CASCADE")
                let (isOver, readings) = (Flag(), Flag())
                let readers = (0..<2).map { _ in reader(fixture.database, until: isOver, counting: readings, pause: 0) }
                _ = try fixture.store.beginAttempt(module: "clinic")
                isOver.raise()
                while !readers.allSatisfy(\.isFinished) { Thread.sleep(forTimeInterval: 0.001) }
            }
        }
    }

    private func crash(at step: PublishStep, _ fixture: TargetFixture, carriesOn: Bool) throws {
        let before = try fixture.store.versions(module: "clinic").count
        let attempt = try fixture.store.beginAttempt(module: "clinic")
        let receipts = try fixture.stage(attempt, number: Int64(before))
        #expect(throws: Stopped.self) { try fixture.publish(attempt, receipts) { if $0 == step { throw Stopped() } } }
        let isCommitted = PublishStep.allCases.firstIndex(of: step)! >= PublishStep.allCases.firstIndex(of: .committed)!
        let after = try fixture.store.versions(module: "clinic")
        #expect(after == Array(1..<before + (isCommitted ? 2 : 1)), "stopped at \(step)")
        guard carriesOn else { return }
        let again = try TargetFixture(fixture.database).publish(attempt, receipts)
        #expect(again.record.version == before + 1 && again.wasCommittedBefore == isCommitted, "stopped at \(step)")
    }

    /// The newest version is whole, and none vanishes.
    private func reader(
        _ database: PostgresTestDatabase, until isOver: Flag, counting readings: Flag, pause: TimeInterval = 0.01
    )
        -> Thread
    {
        let thread = Thread {
            do {
                let store = try TargetFixture(database).store
                var newest = 0
                while isOver.count == 0 {
                    Thread.sleep(forTimeInterval: pause)
                    let versions = try store.versions(module: "clinic")
                    #expect(versions.count >= newest && versions == Array(1..<versions.count + 1), "a version vanished")
                    guard let last = versions.last else { continue }
                    newest = last
                    #expect(try store.verify(module: "clinic", version: last).findings == [])
                    readings.raise()
                }
            } catch { Issue.record("a reader: \(error)") }
        }
        thread.start()
        return thread
    }

    private final class Flag: Sendable {
        private let raised = Mutex(0)
        var count: Int { raised.withLock { $0 } }
        func raise() { raised.withLock { $0 += 1 } }
    }
}
