import Foundation
import Synchronization

/// Runs work that recurses as deep as a hostile document says, on a thread with room for it.
///
/// libyaml refuses more than a thousand levels, and Yams recurses once or twice for each; that is more than the half
/// megabyte of stack that some threads have. The memory is only touched as far as it is used.
enum DeepStack {
    static let byteCount = 64 << 20

    static func run<Answer: Sendable>(_ work: @escaping @Sendable () -> Answer) -> Answer {
        let box = Box<Answer>()
        let thread = Thread {
            box.put(work())
        }
        thread.stackSize = byteCount
        thread.start()
        return box.take()
    }

    /// Hands one value from one thread to another.
    private final class Box<Value: Sendable>: Sendable {
        private let value = Mutex<Value?>(nil)
        private let isFull = DispatchSemaphore(value: 0)

        func put(_ new: Value) {
            value.withLock { $0 = new }
            isFull.signal()
        }

        func take() -> Value {
            isFull.wait()
            guard let value = value.withLock({ $0 }) else {
                preconditionFailure("the box is signalled when it is full")
            }
            return value
        }
    }
}
