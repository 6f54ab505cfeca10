import CNNG
import Foundation
import Model
import Testing

@testable import Cluster

extension SocketTests {
    @Suite("over TLS")
    struct TLSTests {
        struct Case: Sendable, CustomTestStringConvertible {
            let testDescription: String
            var server = "server"
            var client = "client"
            var clientAuthority = "ca"
            var serverName: String? = "coordinator"
            var isLetIn = false
        }

        static let cases = [
            Case(testDescription: "both good", isLetIn: true),
            Case(testDescription: "the client believes another authority", clientAuthority: "foreign-ca"),
            Case(testDescription: "the server is of another authority", server: "server-foreign"),
            Case(testDescription: "the server has expired", server: "server-expired"),
            Case(testDescription: "the server is not yet valid", server: "server-early"),
            Case(testDescription: "the server signed itself", server: "server-own"),
            Case(testDescription: "the server has another name", server: "server-elsewhere"),
            Case(testDescription: "the host's address is not the server's name", serverName: nil),
            Case(testDescription: "the client is of another authority", client: "client-foreign"),
            Case(testDescription: "the client has expired", client: "client-expired"),
            Case(testDescription: "the client is not yet valid", client: "client-early"),
            Case(testDescription: "the client signed itself", client: "client-own"),
        ]

        @Test("who is not what the certificates say is kept out, and is told so", arguments: cases)
        func certificates(one: Case) throws {
            let certificates = try Certificates.shared.get()
            let asked = Counter()
            let server = try AnsweringServer(at: ["tls+tcp://127.0.0.1:0"], tls: certificates.files(one.server)) { _ in
                asked.add()
                return .accepted
            }
            defer { server.stop() }
            let files = certificates.files(one.client, authority: one.clientAuthority, serverName: one.serverName)
            do throws(ClusterError) {
                let socket = try RequestSocket(address: server.address, tls: files)
                defer { socket.close() }
                #expect(one.isLetIn)
                let reply = try socket.ask(call(.poll), id: .random())
                #expect(reply == .accepted && asked.value == 1)
            } catch {
                #expect(!one.isLetIn && error.code == .untrusted, "\(error)")
                #expect(asked.value == 0)
            }
        }

        @Test("a coordinator that does not listen yet is no matter of trust, and is found when it does")
        func lateServer() throws {
            let certificates = try Certificates.shared.get()
            let port = try AnsweringServer()
            let address = "tls+tcp://" + port.address.dropFirst("tcp://".count)
            port.stop()
            let socket = try RequestSocket(address: address, tls: certificates.client)
            defer { socket.close() }
            let server = try AnsweringServer(at: [address], tls: certificates.server)
            defer { server.stop() }
            #expect(becomesTrue { (try? socket.ask(call(.poll), id: .random())) == .accepted })
        }

        @Test("nobody is let in without a certificate, and a listener that would is told from one that would not")
        func anonymous() throws {
            let certificates = try Certificates.shared.get()
            let server = try AnsweringServer(at: ["tls+tcp://127.0.0.1:0"], tls: certificates.server)
            defer { server.stop() }
            try server.server.refusesAnonymous()
            #expect(throws: ClusterError.self) { try ReplyServer.refusesAnonymous(at: "tls+tcp://127.0.0.1:1") }

            // A listener as nng makes one when nobody tells it to ask for certificates.
            let configuration = try TLSConfiguration(.listener, certificates.server)
            #expect(unsafe nng_tls_config_auth_mode(configuration.pointer, NNG_TLS_AUTH_MODE_NONE) == 0)
            var socket = nng_socket()
            #expect(unsafe nng_rep0_open(&socket) == 0)
            defer { nng_close(socket) }
            var listener = nng_listener()
            #expect(unsafe nng_listener_create(&listener, socket, "tls+tcp://127.0.0.1:0") == 0)
            let pointer = unsafe UnsafeMutableRawPointer(configuration.pointer)
            #expect(unsafe nng_listener_set_ptr(listener, NNG_OPT_TLS_CONFIG, pointer) == 0)
            #expect(nng_listener_start(listener, 0) == 0)
            var port: CInt = 0
            #expect(unsafe nng_listener_get_int(listener, NNG_OPT_TCP_BOUND_PORT, &port) == 0)
            let error = #expect(throws: ClusterError.self) {
                try ReplyServer.refusesAnonymous(at: "tls+tcp://127.0.0.1:\(port)")
            }
            #expect(error?.code == .notAllowed)
        }

        @Test("certificates are replaced while requests go on, and new ones are in use at once")
        func rotation() throws {
            let certificates = try Certificates.shared.get()
            let folder = certificates.folder
            for name in ["server", "server-elsewhere"] {
                for part in ["pem", "key"] {
                    let copy = "\(folder)/rotated-\(name).\(part)"
                    try? FileManager.default.removeItem(atPath: copy)
                    try FileManager.default.copyItem(atPath: "\(folder)/\(name).\(part)", toPath: copy)
                }
            }
            func install(_ name: String) throws {
                for part in ["pem", "key"] {
                    let link = "\(folder)/current.\(part)"
                    try? FileManager.default.removeItem(atPath: link)
                    try FileManager.default.copyItem(atPath: "\(folder)/\(name).\(part)", toPath: link)
                }
            }
            try install("server")
            let server = try AnsweringServer(at: ["tls+tcp://127.0.0.1:0"], tls: certificates.files("current"))
            defer { server.stop() }
            let (address, answered, failed, stop) = (server.address, Counter(), Counter(), Counter())
            let asking = Thread {
                onThreads(4) { _ in
                    guard let socket = try? RequestSocket(address: address, tls: certificates.client) else {
                        return failed.add()
                    }
                    while stop.value == 0 {
                        if (try? socket.ask(call(.poll), id: .random())) == .accepted {
                            answered.add()
                        } else {
                            failed.add()
                        }
                        usleep(2000)
                    }
                    socket.close()
                }
                stop.add()
            }
            asking.start()
            let pause = ProcessInfo.processInfo.environment["ETL_TEST_ROTATION_SECONDS"].flatMap(Double.init) ?? 0.2
            for round in 1...10 {
                usleep(UInt32(pause * 1e6))
                let before = answered.value
                let name = round.isMultiple(of: 2) ? "server" : "server-elsewhere"
                try install(name)
                try server.server.reload()
                // The dial at the beginning of a socket checks the name.
                for (expected, isOurs) in [("coordinator", name == "server"), ("elsewhere", name != "server")] {
                    let files = certificates.files("client", serverName: expected)
                    let socket = try? RequestSocket(address: address, tls: files)
                    #expect((socket != nil) == isOurs, "round \(round): \(expected)")
                    socket?.close()
                }
                #expect(becomesTrue { answered.value > before })
            }
            try Data("no certificate".utf8).write(to: URL(fileURLWithPath: "\(folder)/current.pem"))
            #expect(throws: ClusterError.self) { try server.server.reload() }
            let last = try RequestSocket(address: address, tls: certificates.client)
            #expect(try last.ask(call(.poll), id: .random()) == .accepted, "the certificate before stays")
            last.close()
            stop.add()
            #expect(becomesTrue { stop.value == 2 })
            #expect(failed.value == 0 && answered.value > 100, "\(answered.value) answered, \(failed.value) failed")
        }

        @Test("a client reads its files again for each socket")
        func clientFiles() throws {
            let certificates = try Certificates.shared.get()
            let server = try AnsweringServer(at: ["tls+tcp://127.0.0.1:0"], tls: certificates.server)
            defer { server.stop() }
            let files = certificates.files("mine")
            for (name, isLetIn) in [("client-expired", false), ("client", true)] {
                for (part, path) in [("pem", files.certificate), ("key", files.privateKey)] {
                    try? FileManager.default.removeItem(atPath: path)
                    try FileManager.default.copyItem(atPath: "\(certificates.folder)/\(name).\(part)", toPath: path)
                }
                let socket = try? RequestSocket(address: server.address, tls: files)
                #expect((socket != nil) == isLetIn)
                socket?.close()
            }
        }

        @Test("a key that does not belong to its certificate is told by the files' names")
        func mismatch() throws {
            let certificates = try Certificates.shared.get()
            var files = certificates.server
            files.privateKey = certificates.client.privateKey
            let error = #expect(throws: ClusterError.self) {
                try ReplyServer(listeningOn: ["tls+tcp://127.0.0.1:0"], tls: files)
            }
            #expect(error?.code == .notAllowed && error?.reason.contains("server.pem") == true)
        }
    }
}
