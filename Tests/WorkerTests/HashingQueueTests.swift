import Foundation
import Testing

@testable import Worker

@Suite("Bytes are hashed beside their reader")
struct HashingQueueTests {
    /// What a queue gave, and how much of it at most at once.
    private final class Taken: @unchecked Sendable {
        var bytes: [UInt8] = []
        var longest = 0
        let gate = DispatchSemaphore(value: 0)
    }

    @Test("in their order, in blocks, though the reader uses its memory again")
    func order() {
        let taken = Taken()
        let queue = unsafe HashingQueue { bytes in
            unsafe taken.bytes += bytes
            taken.longest = max(taken.longest, bytes.count)
        }
        var expected: [UInt8] = []
        var memory = [UInt8](repeating: 0, count: 700_000)
        for (number, count) in [0, 1, 700_000, 262_144, 262_145, 3].enumerated() {
            for index in 0..<count { memory[index] = UInt8(truncatingIfNeeded: index &* 31 &+ number) }
            unsafe memory.withUnsafeBytes { unsafe queue.add(UnsafeRawBufferPointer(rebasing: $0[..<count])) }
            expected += memory[..<count]
        }
        queue.catchUp()
        #expect(taken.bytes == expected)
        #expect(taken.longest == 256 << 10)
    }

    @Test("a reader that is faster waits, so that no more than a megabyte does")
    func bound() {
        let taken = Taken()
        // One thread at a time adds to it.
        nonisolated(unsafe) let queue = unsafe HashingQueue { bytes in
            taken.gate.wait()
            unsafe taken.bytes += bytes
        }
        let isFull = DispatchSemaphore(value: 0)
        let isPast = DispatchSemaphore(value: 0)
        let memory = [UInt8](repeating: 7, count: HashingQueue.bytesWaiting)
        Thread.detachNewThread {
            unsafe memory.withUnsafeBytes { unsafe queue.add($0) }
            isFull.signal()
            unsafe memory.withUnsafeBytes { unsafe queue.add(UnsafeRawBufferPointer(rebasing: $0[..<1])) }
            isPast.signal()
        }
        isFull.wait()
        #expect(isPast.wait(timeout: .now() + 0.3) == .timedOut)
        for _ in 0..<5 { taken.gate.signal() }
        isPast.wait()
        unsafe queue.catchUp()
        #expect(taken.bytes.count == HashingQueue.bytesWaiting + 1)
    }
}
