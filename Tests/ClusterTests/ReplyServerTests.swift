import Foundation
import Model
import Testing

@testable import Cluster

/// All tests that open sockets, one after the other.
@Suite("nng sockets", .serialized)
struct SocketTests {}

extension SocketTests {
    @Suite("the server")
    struct ReplyServerTests {
        @Test("answers, at the port that the system chose")
        func askAndAnswer() throws {
            let server = try AnsweringServer { $0.request == .poll ? .drain : .fenced }
            defer { server.stop() }
            #expect(!server.address.hasSuffix(":0") && server.address.hasPrefix("tcp://127.0.0.1:"))
            let socket = try RequestSocket(address: server.address)
            defer { socket.close() }
            #expect(try socket.ask(call(.poll), id: .random()) == .drain)
            #expect(try socket.ask(call(.leave), id: .random()) == .fenced)
        }

        @Test("listens at several addresses at once")
        func severalAddresses() throws {
            let server = try AnsweringServer(at: ["tcp://127.0.0.1:0", "tcp://127.0.0.2:0"])
            defer { server.stop() }
            for address in server.server.addresses {
                let socket = try RequestSocket(address: address)
                #expect(try socket.ask(call(.poll), id: .random()) == .accepted)
                socket.close()
            }
        }

        @Test("a port that is taken is told, with the address")
        func portTaken() throws {
            let server = try AnsweringServer()
            defer { server.stop() }
            let error = #expect(throws: ClusterError.self) { try ReplyServer(listeningOn: [server.address]) }
            #expect(error?.code == .badAddress && error?.reason.contains(server.address) == true)
        }

        @Test("answers 50 sockets at once, each its own questions")
        func manySockets() throws {
            let server = try AnsweringServer { .refused(reason: $0.node) }
            defer { server.stop() }
            let address = server.address
            let right = Counter()
            onThreads(50) { index in
                guard let socket = try? RequestSocket(address: address) else { return }
                for question in 0..<40 {
                    let name = "\(index)/\(question)"
                    if (try? socket.ask(call(.poll, node: name), id: .random())) == .refused(reason: name) {
                        right.add()
                    }
                }
                socket.close()
            }
            #expect(right.value == 2000)
            #expect(becomesTrue { server.server.pipeCount == 0 }, "closed connections are forgotten")
        }

        @Test("has as many requests in hand as contexts, and answers them in any order")
        func anyOrder() throws {
            let server = try ReplyServer(listeningOn: ["tcp://127.0.0.1:0"], contexts: 3)
            let address = server.addresses[0]
            let answers = Counter()
            let asking = Thread {
                onThreads(5) { index in
                    guard let socket = try? RequestSocket(address: address) else { return }
                    let reply = try? socket.ask(call(.poll, node: "\(index)"), id: .random())
                    if reply == .refused(reason: "\(index)") { answers.add() }
                    socket.close()
                }
            }
            asking.start()
            var inHand: [Inbound] = []
            #expect(
                becomesTrue {
                    inHand += server.receive(atMost: 5, timeout: .milliseconds(50))
                    return inHand.count == 3
                })
            #expect(server.receive(atMost: 5, timeout: .milliseconds(100)).isEmpty, "three contexts, three requests")
            var answered = 0
            while answered < 5 {
                guard let last = inHand.popLast() else {
                    inHand = server.receive(atMost: 1, timeout: .seconds(5))
                    guard !inHand.isEmpty else { break }
                    continue
                }
                let (id, call) = try #require(last.call())
                last.answer(.refused(reason: call.node), id: id)
                last.answer(.drain, id: id)
                answered += 1
            }
            #expect(becomesTrue { answers.value == 5 })
            server.close()
        }

        @Test("a request that is let go frees its context and tells the asker to ask again")
        func letGo() throws {
            let server = try ReplyServer(listeningOn: ["tcp://127.0.0.1:0"], contexts: 1)
            let address = server.addresses[0]
            let codes = Counter()
            let asking = Thread {
                guard let socket = try? RequestSocket(address: address) else { return }
                for _ in 0..<3 {
                    do throws(ClusterError) { _ = try socket.ask(call(.poll), id: .random()) } catch {
                        if error.code == .unanswered { codes.add() }
                    }
                }
                if (try? socket.ask(call(.leave), id: .random())) == .drain { codes.add() }
                socket.close()
            }
            asking.start()
            let start = ContinuousClock.now
            for _ in 0..<3 { #expect(server.receive(atMost: 1, timeout: .seconds(5)).count == 1) }
            for inbound in server.receive(atMost: 1, timeout: .seconds(5)) {
                let (id, _) = try #require(inbound.call())
                inbound.answer(.drain, id: id)
            }
            #expect(becomesTrue { codes.value == 4 })
            #expect(start.duration(to: .now) < Limits.requestTimeout, "nobody waited for a time-out")
            server.close()
        }

        @Test(
            "a frame of another version is refused in words, other frames are let go, too long ones cost the connection"
        )
        func unreadable() throws {
            let server = try AnsweringServer()
            defer { server.stop() }
            let good = try RequestSocket(address: server.address)
            defer { good.close() }
            let stranger = try #require(RawRequester(server.address))
            defer { stranger.close() }
            let id = WireFormat.RequestID(high: 1, low: 2)
            var frame = try WireFormat.frame(call(.poll), id: id)
            frame[0] = 1
            let (answered, reply) = try WireFormat.reply(from: #require(stranger.exchange(frame)))
            #expect(answered == id)
            #expect(reply == .refused(reason: "version 1 of the protocol is not spoken here, 3 is"))
            frame[0] = WireFormat.version
            for garbage in [[], [2], Array("GET /".utf8), Array(frame.dropLast()), Array(frame.prefix(18))] {
                #expect(stranger.exchange(garbage) == [], "an empty frame")
            }
            #expect(stranger.exchange([UInt8](repeating: 2, count: Limits.bytesPerMessage + 1)) == nil)
            #expect(try good.ask(call(.poll), id: .random()) == .accepted)
        }

        @Test("connections beyond the most are closed, and a place that is free again is given away")
        func tooManyConnections() throws {
            let server = try AnsweringServer(maximumConnections: 2)
            defer { server.stop() }
            let first = try RequestSocket(address: server.address)
            let second = try RequestSocket(address: server.address)
            #expect(try first.ask(call(.poll), id: .random()) == .accepted)
            #expect(try second.ask(call(.poll), id: .random()) == .accepted)
            let third = RawRequester(server.address, timeoutMilliseconds: 300)
            let frame = try WireFormat.frame(call(.poll), id: .random())
            #expect(third?.exchange(frame) == nil)
            #expect(server.server.pipeCount == 2)
            second.close()
            #expect(becomesTrue { third?.exchange(frame) != nil }, "nng dials again by itself")
            third?.close()
            first.close()
        }

        @Test("silent connections are closed, others are not, and who was closed comes back")
        func silentConnections() throws {
            let server = try AnsweringServer()
            defer { server.stop() }
            let silent = try RequestSocket(address: server.address)
            let busy = try RequestSocket(address: server.address)
            #expect(try silent.ask(call(.poll), id: .random()) == .accepted)
            usleep(150_000)
            #expect(try busy.ask(call(.poll), id: .random()) == .accepted)
            #expect(server.server.pipeCount == 2)
            #expect(server.server.closePipes(silentFor: .milliseconds(100)) == 1)
            #expect(becomesTrue { server.server.pipeCount >= 1 })
            #expect(try busy.ask(call(.poll), id: .random()) == .accepted)
            #expect(becomesTrue { (try? silent.ask(call(.poll), id: .random())) == .accepted })
            silent.close()
            busy.close()
        }

        @Test("a closed server gives its port back, gives nothing more out, and answers in hand are dropped")
        func closing() throws {
            let server = try ReplyServer(listeningOn: ["tcp://127.0.0.1:0"])
            let address = server.addresses[0]
            let asking = Thread {
                guard let socket = try? RequestSocket(address: address) else { return }
                _ = try? socket.ask(call(.poll), id: .random())
                socket.close()
            }
            asking.start()
            let inbound = try #require(server.receive(atMost: 1, timeout: .seconds(5)).first)
            server.close()
            server.close()
            let (id, _) = try #require(inbound.call())
            inbound.answer(.drain, id: id)
            #expect(server.receive(atMost: 1, timeout: .seconds(5)).isEmpty)
            let again = try AnsweringServer(at: [address])
            #expect(again.address == address)
            again.stop()
        }
    }
}
