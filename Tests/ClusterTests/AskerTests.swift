import Foundation
import Model
import Synchronization
import Testing

@testable import Cluster

extension SocketTests {
    @Suite("the asker")
    struct AskerTests {
        /// What a coordinator saw.
        final class Seen: Sendable {
            private let nodes = Mutex<[String]>([])

            var count: Int { nodes.withLock { $0.count } }

            func add(_ call: Call) { nodes.withLock { $0.append(call.node) } }
        }

        @Test("follows the one that leads, and stays with it")
        func leader() throws {
            let (first, second, third) = (Seen(), Seen(), Seen())
            let leading = try AnsweringServer {
                third.add($0)
                return .accepted
            }
            let address = leading.address
            let hinting = try AnsweringServer {
                first.add($0)
                return .notLeader(leader: address)
            }
            let passedOver = try AnsweringServer {
                second.add($0)
                return .notLeader(leader: nil)
            }
            defer { for server in [leading, hinting, passedOver] { server.stop() } }
            let asker = try Asker(CoordinatorPlace(addresses: [hinting.address, passedOver.address, address]))
            defer { asker.close() }
            for _ in 0..<3 { #expect(try asker.ask(call(.poll), patience: .seconds(5)) == .accepted) }
            #expect(first.count == 1 && second.count == 0 && third.count == 3, "the named one was asked next")
        }

        @Test("a leader that is none of ours and one that is not known lead to the next address")
        func strangeHint() throws {
            for hint in ["tcp://127.0.0.1:1", nil] {
                let standby = try AnsweringServer { _ in .notLeader(leader: hint) }
                let leading = try AnsweringServer()
                let asker = try Asker(CoordinatorPlace(addresses: [standby.address, leading.address]))
                #expect(try asker.ask(call(.poll), patience: .seconds(5)) == .accepted)
                asker.close()
                standby.stop()
                leading.stop()
            }
        }

        @Test("one that does not listen is passed over")
        func deadAddress() throws {
            let dead = try AnsweringServer()
            dead.stop()
            let leading = try AnsweringServer()
            defer { leading.stop() }
            let asker = try Asker(CoordinatorPlace(addresses: [leading.address, dead.address]))
            defer { asker.close() }
            #expect(try asker.ask(call(.poll), patience: .seconds(20)) == .accepted)
        }

        @Test("the same id is sent until there is an answer")
        func sameID() throws {
            let server = try ReplyServer(listeningOn: ["tcp://127.0.0.1:0"])
            let address = server.addresses[0]
            let isAnswered = Counter()
            let asking = Thread {
                guard let asker = try? Asker(CoordinatorPlace(addresses: [address])) else { return }
                if (try? asker.ask(call(.poll), patience: .seconds(20))) == .drain { isAnswered.add() }
                asker.close()
            }
            asking.start()
            var ids: Set<WireFormat.RequestID> = []
            for round in 0..<4 {
                let inbound = try #require(server.receive(atMost: 1, timeout: .seconds(10)).first)
                let (id, _) = try #require(inbound.call())
                ids.insert(id)
                if round == 3 { inbound.answer(.drain, id: id) }
            }
            #expect(ids.count == 1)
            #expect(becomesTrue { isAnswered.value == 1 })
            server.close()
        }

        @Test("refusals and lost names are answers", arguments: [Reply.unknownNode, .refused(reason: "r"), .fenced])
        func answers(reply: Reply) throws {
            let server = try AnsweringServer { _ in reply }
            defer { server.stop() }
            let asker = try Asker(CoordinatorPlace(addresses: [server.address]))
            defer { asker.close() }
            #expect(try asker.ask(call(.poll), patience: .seconds(5)) == reply)
        }

        @Test("gives up after its patience, saying why")
        func patience() throws {
            let standby = try AnsweringServer { _ in .notLeader(leader: nil) }
            defer { standby.stop() }
            let asker = try Asker(CoordinatorPlace(addresses: [standby.address]))
            defer { asker.close() }
            let start = ContinuousClock.now
            let error = #expect(throws: ClusterError.self) { try asker.ask(call(.poll), patience: .milliseconds(300)) }
            #expect(error == ClusterError(.unanswered, reason: "no coordinator leads"))
            #expect(start.duration(to: .now) < .seconds(3))
        }

        @Test("a coordinator that never answers though new sockets reach it means that this process should end")
        func wedged() throws {
            let server = try ReplyServer(listeningOn: ["tcp://127.0.0.1:0"])
            let stop = Counter()
            let dropping = Thread {
                while stop.value == 0 { _ = server.receive(atMost: 64, timeout: .milliseconds(20)) }
                server.close()
            }
            dropping.start()
            defer { stop.add() }
            let place = CoordinatorPlace(addresses: server.addresses)
            let asker = try Asker(place, watchdogTime: .milliseconds(50))
            defer { asker.close() }
            let error = #expect(throws: ClusterError.self) { try asker.ask(call(.poll), patience: .seconds(60)) }
            #expect(error?.code == .wedged)
        }

        @Test("certificates that are refused by all are told at once, by some are passed over")
        func untrusted() throws {
            let certificates = try Certificates.shared.get()
            let bad = try AnsweringServer(at: ["tls+tcp://127.0.0.1:0"], tls: certificates.files("server-expired"))
            let good = try AnsweringServer(at: ["tls+tcp://127.0.0.1:0"], tls: certificates.server)
            defer {
                bad.stop()
                good.stop()
            }
            let hopeless = try Asker(CoordinatorPlace(addresses: [bad.address], tls: certificates.client))
            let error = #expect(throws: ClusterError.self) { try hopeless.ask(call(.poll), patience: .seconds(30)) }
            #expect(error?.code == .untrusted)
            let both = CoordinatorPlace(addresses: [bad.address, good.address], tls: certificates.client)
            let asker = try Asker(both)
            #expect(try asker.ask(call(.poll), patience: .seconds(30)) == .accepted)
            asker.close()
            hopeless.close()
        }
    }
}
