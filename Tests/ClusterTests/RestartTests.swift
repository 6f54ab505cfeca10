import Foundation
import Model
import Testing

@testable import Cluster

extension SocketTests {
    @Suite("a coordinator that dies")
    struct RestartTests {
        /// Answers at an address until the process is killed by itself.
        static func serve(_ address: String, milliseconds: Int) throws {
            let server = try AnsweringServer(at: [address]) { _ in
                .slice(bytes: String(repeating: "x", count: 30_000), total: 1)
            }
            usleep(UInt32(milliseconds) * 1000)
            withExtendedLifetime(server) { _ = kill(getpid(), SIGKILL) }
        }

        @Test("under load is found again each time it comes back, by the watchdog if need be")
        func killedUnderLoad() async throws {
            let free = try AnsweringServer()
            let address = free.address
            free.stop()
            async let clients: ExitTest.Result? = #expect(
                processExitsWith: .success, observing: [\.standardOutputContent]
            ) { [address = address as String] in
                let (answered, wedged) = (Counter(), Counter())
                let stop = Counter()
                let asking = Thread {
                    onThreads(6) { _ in
                        guard
                            let asker = try? Asker(CoordinatorPlace(addresses: [address]), watchdogTime: .seconds(1))
                        else { return }
                        let filler = String(repeating: "y", count: 30_000)
                        let request = Request.upload(run: "r", token: 1, offset: 0, total: 1, bytes: filler)
                        while stop.value == 0 {
                            do throws(ClusterError) {
                                _ = try asker.ask(call(request), patience: .seconds(20))
                                answered.add()
                            } catch { if error.code == .wedged { wedged.add() } }
                        }
                    }
                    stop.add()
                }
                asking.start()
                // Five lives of the coordinator: each must be heard of by somebody, the last by all that ask.
                let gaps = Counter()
                for _ in 0..<5 {
                    let before = answered.value
                    if !becomesTrue(within: .seconds(20), { answered.value > before + 20 }) { gaps.add() }
                    usleep(700_000)
                }
                print(
                    "figures: \(answered.value) answered over five lives, \(wedged.value) gave up, \(gaps.value) lives missed"
                )
                #expect(gaps.value == 0 && answered.value > 100)
                exit(gaps.value == 0 ? EXIT_SUCCESS : EXIT_FAILURE)
            }
            for _ in 0..<6 {
                await #expect(processExitsWith: .signal(SIGKILL)) { [address = address as String] in
                    try RestartTests.serve(address, milliseconds: 1500)
                }
            }
            await tell(clients)
        }
    }
}
