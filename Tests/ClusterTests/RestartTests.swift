import Foundation
import Model
import Testing

@testable import Cluster

extension SocketTests {
    /// Run alone, with ETL_TEST_RESTARTS=1: libnng below 1.10 may not free a connection ever again in a process whose
    /// peers died under load, and other tests of this process count connections.
    @Suite(
        "a coordinator that dies",
        .enabled(if: ProcessInfo.processInfo.environment["ETL_TEST_RESTARTS"] != nil, "leaves libnng 1.5 broken"))
    struct RestartTests {
        static let filler = String(repeating: "x", count: 30_000)

        /// Answers for so long and kills its own process.
        static func serve(_ address: String, milliseconds: Int) throws {
            let server = try AnsweringServer(at: [address]) { _ in .slice(bytes: filler, total: 1) }
            usleep(UInt32(milliseconds) * 1000)
            withExtendedLifetime(server) { _ = kill(getpid(), SIGKILL) }
        }

        @Test("four times under load is found again by all that ask, by the watchdog if need be")
        func killedUnderLoad() async throws {
            let free = try AnsweringServer()
            let address = free.address
            free.stop()
            let (answered, renewed, isLast, found) = (Counter(), Counter(), Counter(), Counter())
            let ended = Counter()
            let asking = Thread {
                onThreads(6) { _ in
                    defer { ended.add() }
                    guard let socket = try? RequestSocket(address: address, watchdogTime: .seconds(1)) else { return }
                    let bytes = RestartTests.filler
                    let request = Request.upload(run: "r", token: 1, offset: 0, total: 1, bytes: bytes)
                    let deadline = NodeClock.now + .seconds(40)
                    while NodeClock.now < deadline {
                        let isBehindTheLastDeath = isLast.value > 0
                        guard (try? socket.ask(call(request), id: .random())) != nil else {
                            usleep(20_000)
                            continue
                        }
                        answered.add()
                        if isBehindTheLastDeath { break }
                    }
                    if NodeClock.now < deadline { found.add() }
                    renewed.add(socket.recentRenewals)
                }
            }
            asking.start()
            for milliseconds in [1000, 1000, 1000, 1000, 14_000] {
                if milliseconds > 1000 { isLast.add() }
                await #expect(processExitsWith: .signal(SIGKILL)) {
                    [address = address as String, milliseconds = milliseconds as Int] in
                    try RestartTests.serve(address, milliseconds: milliseconds)
                }
            }
            print(
                "figures: \(answered.value) answered over five lives, \(renewed.value) renewals, \(found.value) of 6 found it"
            )
            #expect(found.value == 6 && answered.value > 100)
            #expect(becomesTrue(within: .seconds(45)) { ended.value == 6 })
        }
    }
}
