import Foundation
import Synchronization

@testable import Cluster

/// A coordinator that answers by a closure, on a thread of its own.
final class AnsweringServer: Sendable {
    let server: ReplyServer
    private let isStopping = Mutex(false)
    private let ended = DispatchSemaphore(value: 0)

    var address: String { server.addresses[0] }

    init(
        at addresses: [String] = ["tcp://127.0.0.1:0"], tls: TLSFiles? = nil, contexts: Int = 64,
        maximumConnections: Int = 4096, answer: @escaping @Sendable (Call) -> Reply = { _ in .accepted }
    ) throws {
        server = try ReplyServer(
            listeningOn: addresses, tls: tls, contexts: contexts, maximumConnections: maximumConnections)
        let thread = Thread { [self] in
            while !isStopping.withLock({ $0 }) {
                for inbound in server.receive(atMost: 64, timeout: .milliseconds(50)) {
                    if let (id, call) = inbound.call() { inbound.answer(answer(call), id: id) }
                }
            }
            ended.signal()
        }
        thread.start()
    }

    func stop() {
        isStopping.withLock { $0 = true }
        ended.wait()
        server.close()
    }
}

/// Runs `work` on so many threads and waits for all of them.
func onThreads(_ count: Int, _ work: @escaping @Sendable (Int) -> Void) {
    let group = DispatchGroup()
    for index in 0..<count {
        group.enter()
        let thread = Thread {
            work(index)
            group.leave()
        }
        thread.start()
    }
    group.wait()
}

/// Counts from many threads.
final class Counter: Sendable {
    private let number = Mutex(0)

    var value: Int { number.withLock { $0 } }

    func add(_ count: Int = 1) { number.withLock { $0 += count } }
}

/// Whether `condition` becomes true within a few seconds; it is looked at often.
func becomesTrue(within limit: Duration = .seconds(10), _ condition: () -> Bool) -> Bool {
    let deadline = ContinuousClock.now + limit
    while !condition() {
        guard ContinuousClock.now < deadline else { return false }
        usleep(20_000)
    }
    return true
}

func call(_ request: Request, node: String = "worker-0123456789abcdef") -> Call {
    Call(node: node, credential: "c", request: request)
}
