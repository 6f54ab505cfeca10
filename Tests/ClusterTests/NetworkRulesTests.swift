import Foundation
import Testing

@testable import Cluster

@Suite("Addresses and rules of the network")
struct NetworkRulesTests {
    @Test(
        "this machine alone is loopback",
        arguments: [
            ("tcp://127.0.0.1:1", true), ("tcp://127.255.0.9:1", true), ("tcp://[::1]:1", true),
            ("tcp://localhost:1", true), ("tcp://127.0.0.1.example.org:1", false), ("tcp://127.1:1", false),
            ("tcp://0.0.0.0:1", false), ("tcp://[::]:1", false), ("tcp://*:1", false), ("tcp://:1", false),
            ("tcp://10.0.0.1:1", false), ("tcp://localhost.example.org:1", false), ("tcp://127.0.0.256:1", false),
        ])
    func loopback(address: String, isLoopback: Bool) throws {
        #expect(try NetworkAddress(address).isLoopback == isLoopback)
        if isLoopback {
            try NetworkRules.check(address, tls: nil, insecure: false)
        } else {
            let error = #expect(throws: ClusterError.self) {
                try NetworkRules.check(address, tls: nil, insecure: false)
            }
            #expect(error?.code == .notAllowed && error?.reason.contains("use tls+tcp://") == true)
            try NetworkRules.check(address, tls: nil, insecure: true)
        }
    }

    @Test(
        "what is no address is refused",
        arguments: [
            "", "localhost:1", "ipc:///tmp/a", "inproc://a", "tcp://localhost", "tcp://localhost:",
            "tcp://localhost:65536",
            "tcp://a:b:1", "tcp://user@host:1", "http://localhost:1", "tls://localhost:1", "tcp://host/path:1",
        ])
    func noAddress(text: String) {
        let error = #expect(throws: ClusterError.self) { try NetworkAddress(text) }
        #expect(error?.code == .badAddress)
    }

    @Test("both sides keep the rules")
    func bothSides() {
        for address in ["tcp://10.255.255.1:7443", "tls+tcp://127.0.0.1:7443"] {
            #expect(throws: ClusterError.self) { try ReplyServer(listeningOn: [address]) }
            #expect(throws: ClusterError.self) { try RequestSocket(address: address) }
            #expect(throws: ClusterError.self) { try Asker(CoordinatorPlace(addresses: [address])) }
        }
    }

    @Test("TLS needs all three files, and a private key that others can read is refused with the remedy")
    func files() throws {
        let folder = FileManager.default.temporaryDirectory.appending(path: "rules-\(UUID().uuidString)")
        try FileManager.default.createDirectory(at: folder, withIntermediateDirectories: true)
        defer { try? FileManager.default.removeItem(at: folder) }
        func path(_ name: String) -> String { folder.appending(path: name).path }
        for name in ["ca", "cert", "key"] { try Data("x".utf8).write(to: folder.appending(path: name)) }
        func reason(_ files: TLSFiles?) -> ClusterError? {
            do throws(ClusterError) {
                try NetworkRules.check("tls+tcp://host:1", tls: files, insecure: true)
                return nil
            } catch { return error }
        }
        #expect(reason(nil)?.code == .notAllowed)
        let all = TLSFiles(authority: path("ca"), certificate: path("cert"), privateKey: path("key"))
        unsafe chmod(path("key"), 0o644)
        #expect(reason(all)?.reason == "\(path("key")) can be read by others: chmod 600 it")
        unsafe chmod(path("key"), 0o640)
        if geteuid() == 0 { #expect(reason(all)?.code == .notAllowed) }
        unsafe chmod(path("key"), 0o600)
        #expect(reason(all) == nil)
        for incomplete in [
            TLSFiles(authority: "", certificate: path("cert"), privateKey: path("key")),
            TLSFiles(authority: path("ca"), certificate: path("none"), privateKey: path("key")),
            TLSFiles(authority: path("ca"), certificate: path("cert"), privateKey: folder.path),
        ] {
            #expect(reason(incomplete)?.code == .notAllowed)
        }
    }

    @Test(
        "libraries below 1.10 are warned of",
        arguments: [("1.5.2", true), ("1.9.0", true), ("1.10.1", false), ("1.12.0", false), ("2.0.0", false)])
    func libraryWarning(version: String, isWarned: Bool) {
        #expect((Transport.warning(version: version) != nil) == isWarned)
        #expect(Transport.libraryVersion.split(separator: ".").count >= 2)
    }
}
