internal import Foundation

/// Hashes the bytes that a thread reads on a thread of its own, in their order, while the reader goes on.
///
/// SHA-256 of a file costs about as much time as decoding it.
///
/// - Cost: the bytes are copied once; a thread from the first byte until the queue is released. At most `bytesWaiting` wait,
///   then the reader waits too.
final class HashingQueue {
    static let bytesWaiting = 1 << 20
    private static let bytesPerBlock = 256 << 10

    private let blocks: Blocks
    private var hasThread = false

    /// - Parameter take: is given all bytes, in order, by a thread that is not the caller's.
    init(_ take: @escaping (UnsafeRawBufferPointer) -> Void) {
        unsafe blocks = Blocks(atMost: Self.bytesWaiting / Self.bytesPerBlock, take)
    }

    deinit { blocks.close() }

    /// Takes the next bytes.
    func add(_ bytes: UnsafeRawBufferPointer) {
        var start = 0
        while start < bytes.count {
            let end = min(start + Self.bytesPerBlock, bytes.count)
            blocks.append(unsafe [UInt8](bytes[start..<end]))
            if !hasThread {
                hasThread = true
                Thread.detachNewThread { [blocks] in blocks.takeAll() }
            }
            start = end
        }
    }

    /// Returns when all bytes have been taken: until `add`, the caller owns what `take` changes.
    func catchUp() { blocks.waitUntilTaken() }

    /// What waits. `Sendable`: the condition guards all that changes, and one thread alone calls `take`.
    private final class Blocks: @unchecked Sendable {
        private let condition = NSCondition()
        private let atMost: Int
        private let take: (UnsafeRawBufferPointer) -> Void
        /// The first of them is being taken.
        private var waiting: [[UInt8]] = []
        private var isClosed = false

        init(atMost: Int, _ take: @escaping (UnsafeRawBufferPointer) -> Void) {
            self.atMost = atMost
            unsafe self.take = take
        }

        func append(_ block: [UInt8]) {
            condition.withLock {
                while waiting.count == atMost { condition.wait() }
                waiting.append(block)
                condition.broadcast()
            }
        }

        func waitUntilTaken() {
            condition.withLock {
                while !waiting.isEmpty { condition.wait() }
            }
        }

        func close() {
            condition.withLock {
                isClosed = true
                condition.broadcast()
            }
        }

        /// Until it is closed and empty.
        func takeAll() {
            while let block = first() {
                unsafe block.withUnsafeBytes { unsafe take($0) }
                condition.withLock {
                    waiting.removeFirst()
                    condition.broadcast()
                }
            }
        }

        private func first() -> [UInt8]? {
            condition.withLock {
                while waiting.isEmpty, !isClosed { condition.wait() }
                return waiting.first
            }
        }
    }
}
