import Cluster
import Foundation

/// Asks from a thread of its own, as a node would.
final class BackgroundAsker: Sendable {
    private let isOver = DispatchSemaphore(value: 0)

    init(address: String, _ body: @escaping @Sendable (Asker) -> Void) {
        let isOver = isOver
        Thread {
            if let asker = try? Asker(CoordinatorPlace(addresses: [address])) { body(asker) }
            isOver.signal()
        }.start()
    }

    func wait() { isOver.wait() }
}
