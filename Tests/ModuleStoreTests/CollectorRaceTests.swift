import Foundation
import Model
import Synchronization
import Testing

@testable import ModuleStore

/// A collector beside publishers and copies, in interleavings drawn from seeds: whatever the order, every version that
/// has a commit record has all its files.
@Suite("A collector beside others")
struct CollectorRaceTests {
    private static let start: Int64 = 1_795_411_800_000
    private static let day: Int64 = 86_400_000

    @Test("never removes what becomes part of a version, in hundreds of interleavings, by night in thousands")
    func careful() throws {
        let first = UInt64.random(in: 0...UInt64.max / 2)
        print("first seed \(first)")
        var tally = Tally()
        let count: UInt64 = ProcessInfo.processInfo.environment["ETL_NIGHT"] == nil ? 700 : 40_000
        for seed in first..<first + count {
            let broken = try play(seed, ages: [Limits.collectableAge, Limits.orphanTime], &tally)
            #expect(broken == [], "seed \(seed)")
            if !broken.isEmpty { break }
        }
        print("\(tally)")
        // Otherwise nothing was shown: attempts ended in every way, and there was something to sweep.
        #expect(tally.published > 700 && tally.copied > 200 && tally.tooLate > 50 && tally.swept > 700)
    }

    @Test("would be caught if it were careless")
    func careless() throws {
        var tally = Tally()
        var broken = 0
        for seed in UInt64(1)...400 where try !play(seed, ages: [.zero], &tally).isEmpty { broken += 1 }
        print("a collector of age zero broke \(broken) of 400 stores")
        #expect(broken > 0)
    }

    struct Tally {
        var published = 0, copied = 0, tooLate = 0, swept = 0, others = 0
    }

    /// Three publishers, one of which may crash and be repeated, a copy that is cut short and repeated, two collectors,
    /// some of whose sweeps are cut short.
    private func play(_ seed: UInt64, ages: [Duration], _ tally: inout Tally) throws -> [String] {
        let files = MemoryStorage.Files()
        let source = try archive()
        let race = Interleaving(
            seed: seed, actors: 6, start: Self.start, patience: Limits.commitGrace.components.seconds * 1000)
        let counts = Mutex(Tally())
        let publishers: [@Sendable () -> Void] = (0..<3).map { actor in
            { publisher(actor, files, race, counts) }
        }
        let copier: @Sendable () -> Void = { copy(3, source, files, race, counts) }
        let collectors: [@Sendable () -> Void] = [4, 5].map { actor in
            {
                for round in 0..<6 {
                    let storage = MemoryStorage(files, before: cutShort(race, actor, oneIn: 4))
                    // Whoever removes a run follows what it saw a moment ago.
                    let store = Store(
                        storage,
                        now: {
                            let isRemoving = files.all.withLock { $0.keys.contains { $0.contains("/_sweeps/") } }
                            return race.look(actor, isBinding: isRemoving)
                        })
                    let module = round % 2 == 0 ? "clinic" : "archive"
                    let age = ages[race.draw(ages.count)]
                    let swept = try? store.sweep(module: module, olderThan: age)
                    counts.withLock { $0.swept += (swept?.runs.count ?? 0) + (swept?.staging.count ?? 0) }
                }
            }
        }
        race.run(publishers + [copier] + collectors)
        let result = counts.withLock { $0 }
        tally.published += result.published
        tally.copied += result.copied
        tally.tooLate += result.tooLate
        tally.swept += result.swept
        tally.others += result.others

        let store = Store(MemoryStorage(files), now: { race.now })
        return try store.modules().flatMap { try store.verify(module: $0).findings.map(\.description) }
    }

    /// Waits before each operation; of every so many views one fails for good after some.
    private func cutShort(_ race: Interleaving, _ actor: Int, oneIn: Int) -> @Sendable () throws(StoreError) -> Void {
        let left = Mutex(race.draw(oneIn) == 0 ? race.draw(60) : .max)
        return { () throws(StoreError) in
            race.pause(actor)
            let isCut = left.withLock { left in
                left -= 1
                return left < 0
            }
            if isCut { throw StoreError(.inputOutput, "archive", "cut short") }
        }
    }

    private func view(_ actor: Int, _ files: MemoryStorage.Files, _ race: Interleaving) -> MemoryStorage {
        MemoryStorage(files) { race.pause(actor) }
    }

    private func publisher(
        _ actor: Int, _ files: MemoryStorage.Files, _ race: Interleaving, _ counts: borrowing Mutex<Tally>
    ) {
        let isCommitting = Mutex(false)
        let store = Store(
            view(actor, files, race), now: { race.look(actor, isBinding: isCommitting.withLock { $0 }) })
        let crash = race.draw(3) == 0 ? PublishStep.allCases[race.draw(PublishStep.allCases.count)] : nil
        do {
            let attempt = try store.beginAttempt(module: "clinic")
            let receipts = try Fixture.stage(attempt, in: store)
            for round in 0..<2 {
                do {
                    _ = try Fixture.publish(store, attempt, receipts, policy: .rebase) { step in
                        isCommitting.withLock { $0 = step == .described || ($0 && step == .recordWritten) }
                        if round == 0, step == crash { throw Stopped() }
                    }
                    counts.withLock { $0.published += 1 }
                    return
                } catch is Stopped {
                    isCommitting.withLock { $0 = false }
                    // Another process takes the attempt over, some time later.
                    _ = store.now()
                    for _ in 0..<race.draw(30) { race.pause(actor) }
                }
            }
        } catch let error as StoreError where error.code == .attemptEnded {
            counts.withLock { $0.tooLate += 1 }
        } catch {
            counts.withLock { $0.others += 1 }
        }
    }

    private func copy(
        _ actor: Int, _ source: Store, _ files: MemoryStorage.Files, _ race: Interleaving,
        _ counts: borrowing Mutex<Tally>
    ) {
        for _ in 0..<3 {
            let storage = MemoryStorage(files, before: cutShort(race, actor, oneIn: 2))
            let target = Store(storage, now: { race.look(actor, isBinding: true) })
            do {
                let copied = try source.copy(module: "archive", to: target) { _ in _ = target.now() }
                counts.withLock { $0.copied += copied.count { !$0.wasThere } }
            } catch let error as StoreError where error.code == .attemptEnded {
                counts.withLock { $0.tooLate += 1 }
            } catch {
                counts.withLock { $0.others += 1 }
            }
            _ = race.look(actor, isBinding: false)
            for _ in 0..<race.draw(60) { race.pause(actor) }
        }
    }

    /// Two versions, a hundred days old.
    private func archive() throws -> Store {
        let store = Store(MemoryStorage(), now: { Self.start - 100 * Self.day })
        try Fixture.publishNew(store, module: "archive")
        try Fixture.publishNew(store, module: "archive")
        return store
    }
}
