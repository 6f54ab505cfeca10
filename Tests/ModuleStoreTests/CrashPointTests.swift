import Foundation
import Model
import Synchronization
import TestKit
import Testing

@testable import ModuleStore

/// A publisher that dies at every one of its steps, many times over, while readers verify all that they see.
///
/// To die is to do nothing more: the hook throws, and nothing in the publisher cleans up behind a throw. What follows is
/// what follows a crash: the same attempt is carried on with, the record that was to be sent is sent by another process,
/// or all is left lying and another attempt begins.
@Suite("Two hundred crash points", .serialized)
struct CrashPointTests {
    /// Nine steps in each.
    private static let rounds = 24

    @Test("on disk: readers see whole versions alone, each for good, and every number once")
    func disk() throws {
        let fixture = Fixture()
        try run(lanes: [Lane(writer: fixture.store, readers: [fixture.store, fixture.store])])
    }

    @Test(
        "in a bucket: readers see whole versions alone, each for good, and every number once",
        .enabled(if: S3TestServer.shared != nil, "\(S3TestServer.reasonToSkip)"))
    func bucket() throws {
        let server = try #require(S3TestServer.shared)
        try run(
            lanes: (0..<3).map { _ in
                let bucket = try server.makeBucket()
                // Each reader by its own way to the same objects.
                let readers = try [server.endpoints[0], server.endpoints[server.endpoints.count - 1]].map {
                    try S3Fixture(server, bucket: bucket, endpoints: [$0]).store
                }
                return Lane(writer: try S3Fixture(server, bucket: bucket).store, readers: readers)
            })
    }

    private struct Lane: Sendable {
        let writer: Store
        let readers: [Store]
    }

    private func run(lanes: [Lane]) throws {
        let seed = UInt64.random(in: 0 ... .max)
        print("seed of the crash points: \(seed)")
        let crashes = Mutex(0)
        let readings = Mutex(0)
        let group = DispatchGroup()
        for (number, lane) in lanes.enumerated() {
            group.enter()
            Thread.detachNewThread {
                defer { group.leave() }
                do {
                    let watch = Watch()
                    let readers = watch.start(lane.readers)
                    defer {
                        watch.end(readers)
                        readings.withLock { $0 += watch.readings }
                    }
                    var chance = SeededGenerator(seed: seed &+ UInt64(number))
                    for round in stride(from: number, to: Self.rounds, by: lanes.count) {
                        for step in PublishStep.allCases {
                            try crash(at: step, lane.writer, followedBy: Sequel.allCases.randomElement(using: &chance)!)
                            crashes.withLock { $0 += 1 }
                        }
                        // One that is let be in between.
                        if round % 4 == 0 { try publishNew(lane.writer) }
                    }
                    #expect(try lane.writer.verify(module: Fixture.module).findings == [])
                } catch { Issue.record("\(error)") }
            }
        }
        group.wait()
        print("\(crashes.withLock { $0 }) crashes, \(readings.withLock { $0 }) readings")
        #expect(crashes.withLock { $0 } >= 200)
        #expect(readings.withLock { $0 } > 0)
    }

    private enum Sequel: CaseIterable { case sameAttempt, sameRecord, nothing }

    private func crash(at step: PublishStep, _ store: Store, followedBy sequel: Sequel) throws {
        let before = try store.versions(module: Fixture.module).count
        let (attempt, receipts) = try stage(store)
        var sent: CommitRecord?
        #expect(throws: Stopped.self) {
            _ = try publish(store, attempt, receipts, willCommit: { sent = $0 }) { if $0 == step { throw Stopped() } }
        }
        let isCommitted = PublishStep.allCases.firstIndex(of: step)! >= PublishStep.allCases.firstIndex(of: .committed)!
        let after = try store.versions(module: Fixture.module)
        #expect(after == Array(1..<before + (isCommitted ? 2 : 1)), "stopped at \(step)")
        switch sequel {
        case .nothing: return
        case .sameRecord:
            guard let sent else { return }
            #expect(try store.repeatCommit(sent) == .version, "stopped at \(step)")
            #expect(try store.versions(module: Fixture.module) == Array(1...before + 1), "stopped at \(step)")
        case .sameAttempt:
            let again = try publish(store, attempt, receipts)
            #expect(again.record.version == before + 1, "stopped at \(step)")
            #expect(again.wasCommittedBefore == isCommitted, "stopped at \(step)")
        }
        #expect(
            try !store.storage.names("\(Fixture.module)/\(ModuleLayout.stagingFolder)").contains(attempt),
            "stopped at \(step)")
    }

    private func publishNew(_ store: Store) throws {
        let (attempt, receipts) = try stage(store)
        _ = try publish(store, attempt, receipts)
    }

    private func stage(_ store: Store) throws -> (attempt: String, receipts: [PartReceipt]) {
        // Without the questions to the bucket, which other tests ask.
        let isFolder = store.storage.localFolder != nil
        var random = SystemRandomNumberGenerator()
        let attempt =
            isFolder
            ? try store.beginAttempt(module: Fixture.module)
            : AttemptID.make(milliseconds: Store.systemTime(), random: (random.next(), random.next()))
        return (attempt, try Fixture.stage(attempt, in: store))
    }

    private func publish(
        _ store: Store, _ attempt: String, _ receipts: [PartReceipt], willCommit: (CommitRecord) -> Void = { _ in },
        reach: @escaping Publisher.Hook = { _ in }
    ) throws -> Published {
        try Publisher(store: store, module: Fixture.module, attempt: attempt, reach: reach).publish(
            tables: Fixture.tables, receipts: receipts, committedAt: "2026-11-23T05:30:00Z",
            committedBy: "etl-express test", expiresAt: nil, willCommit: willCommit,
            describe: { Fixture.describe($0, receipts) })
    }
}

/// Readers of one module, each on a thread: the newest version is whole, none vanishes, none becomes another.
private final class Watch: Sendable {
    private struct State: Sendable {
        var isOver = false
        var readings = 0
        var records: [Int: [UInt8]] = [:]
    }
    private let state = Mutex(State())

    var readings: Int { state.withLock { $0.readings } }

    func start(_ stores: [Store]) -> DispatchGroup {
        let group = DispatchGroup()
        for store in stores {
            group.enter()
            Thread.detachNewThread { [self] in
                defer { group.leave() }
                var newest = 0
                while !state.withLock({ $0.isOver }) {
                    do { try read(store, &newest) } catch { Issue.record("a reader: \(error)") }
                    Thread.sleep(forTimeInterval: 0.01)
                }
            }
        }
        return group
    }

    func end(_ readers: DispatchGroup) {
        state.withLock { $0.isOver = true }
        readers.wait()
    }

    private func read(_ store: Store, _ newest: inout Int) throws {
        let versions = try store.versions(module: Fixture.module)
        #expect(versions.count >= newest, "a version vanished")
        #expect(versions == Array(1..<versions.count + 1), "numbers have a gap")
        guard let last = versions.last else { return }
        newest = last
        #expect(try store.verify(module: Fixture.module, version: last).findings == [])
        let record = try store.recordBytes(module: Fixture.module, version: last)
        let first = state.withLock { state in
            state.readings += 1
            let first = state.records[last] ?? record
            state.records[last] = first
            return first
        }
        #expect(first == record, "version \(last) became another")
    }
}
