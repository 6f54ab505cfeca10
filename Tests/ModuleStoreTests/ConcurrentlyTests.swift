import Synchronization
import Testing

@testable import ModuleStore

/// Several at a time have the outcome of one after another.
@Suite("several at a time")
struct ConcurrentlyTests {
    private struct Failed: Error, Equatable { let item: Int }

    @Test("outcomes are in the items' order", arguments: [(0, 4), (1, 4), (7, 1), (100, 3), (3, 100)])
    func order(count: Int, atATime: Int) throws {
        let items = Array(0..<count)
        #expect(concurrently(items, atATime: atATime) { $0 * 2 } == items.map { $0 * 2 })
    }

    @Test("no more run at a time than asked for, and as many")
    func bound() {
        let running = Mutex((now: 0, most: 0))
        // Each waits until three run, so fewer would never end.
        concurrently(Array(0..<9), atATime: 3) { _ in
            running.withLock { $0 = ($0.now + 1, max($0.most, $0.now + 1)) }
            while running.withLock({ $0.most }) < 3 {}
            running.withLock { $0.now -= 1 }
        }
        #expect(running.withLock { $0.most } == 3)
    }

    @Test("the first item's failure is thrown, though a later item fails first")
    func firstFailure() {
        let laterHasFailed = Mutex(false)
        #expect(throws: Failed(item: 1)) {
            try concurrently([0, 1, 2, 3], atATime: 4) { (item) throws(Failed) in
                if item == 1 { while !laterHasFailed.withLock({ $0 }) {} }
                if item == 3 { laterHasFailed.withLock { $0 = true } }
                if item == 1 || item == 3 { throw Failed(item: item) }
            }
        }
    }

    @Test("nothing is begun after a failure")
    func ends() {
        let begun = Mutex(0)
        #expect(throws: Failed(item: 0)) {
            try concurrently(Array(0..<1000), atATime: 2) { (item) throws(Failed) in
                begun.withLock { $0 += 1 }
                throw Failed(item: item)
            }
        }
        #expect(begun.withLock { $0 } <= 2)
    }
}
