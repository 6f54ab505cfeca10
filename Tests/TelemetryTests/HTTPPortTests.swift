import Dispatch
import Foundation
import Glibc
import Testing

@testable import Telemetry

@Suite("The port for probes")
struct HTTPPortTests {
    private static func port(
        _ address: String = "127.0.0.1:0", patience: Duration = .seconds(30), page: Metrics = Metrics()
    ) throws -> HTTPPort {
        try HTTPPort(listeningOn: address, patience: patience) { path in
            switch path {
            case .livez: .well
            case .readyz: .unwell("the snapshot is not held yet")
            case .metrics: .metrics(page)
            }
        }
    }

    @Test("answers three paths and closes")
    func paths() throws {
        var page = Metrics()
        page.counter("etlx_things_total", "Things.", 7)
        let port = try Self.port(page: page)
        #expect(
            try BareClient.get(port.address, "/livez")
                == "HTTP/1.1 200 OK\r\nContent-Type: text/plain; charset=utf-8\r\nContent-Length: 3\r\n"
                + "Cache-Control: no-store\r\nConnection: close\r\n\r\nok\n")
        let unready = try BareClient.get(port.address, "/readyz?verbose")
        #expect(unready.hasPrefix("HTTP/1.1 503 ") && unready.hasSuffix("\r\n\r\nthe snapshot is not held yet\n"))
        let metrics = try BareClient.get(port.address, "/metrics")
        #expect(metrics.contains("\r\nContent-Type: text/plain; version=0.0.4; charset=utf-8\r\n"))
        #expect(metrics.hasSuffix("\r\n\r\n" + page.text))
    }

    /// A request, shown by its beginning.
    struct Refused: CustomTestStringConvertible {
        let request: String
        let status: Int
        var testDescription: String { "\(status): \(request.prefix(40).debugDescription)" }
    }

    static let refused: [Refused] = [
        ("GET / HTTP/1.1\r\nHost: a\r\n\r\n", 404), ("GET /livez/ HTTP/1.1\r\nHost: a\r\n\r\n", 404),
        ("GET /../etc/passwd HTTP/1.0\r\n\r\n", 404), ("GET /LIVEZ HTTP/1.0\r\n\r\n", 404),
        ("POST /livez HTTP/1.1\r\nHost: a\r\nContent-Length: 3\r\n\r\nabc", 405),
        ("HEAD /livez HTTP/1.1\r\nHost: a\r\n\r\n", 405), ("DELETE /nothing HTTP/1.0\r\n\r\n", 405),
        ("GET /livez HTTP/1.1\r\n\r\n", 400), ("GET /livez HTTP/1.1\r\nHost: a\r\nHost: b\r\n\r\n", 400),
        ("GET /livez HTTP/2.0\r\nHost: a\r\n\r\n", 400), ("GET  /livez HTTP/1.0\r\n\r\n", 400),
        ("GET /livez\r\n\r\n", 400), ("GET livez HTTP/1.0\r\n\r\n", 400), ("get /livez HTTP/1.0\r\n\r\n", 400),
        ("GET /livez HTTP/1.0\r\nno header\r\n\r\n", 400), ("GET /livez HTTP/1.0\r\nspaced : a\r\n\r\n", 400),
        ("GET /livez HTTP/1.0\r\n: a\r\n\r\n", 400), ("GET /livez HTTP/1.0\nHost: a\r\n\r\n", 400),
        ("GET /li\u{0}vez HTTP/1.0\r\n\r\n", 400), ("GET /livez\u{e9} HTTP/1.0\r\n\r\n", 400),
        ("\u{16}\u{3}\u{1}", 400), ("\r\n\r\n", 400), ("GARBAGE\r\n\r\n", 400),
        ("GET /" + String(repeating: "a", count: 9000) + " HTTP/1.0\r\n\r\n", 414),
        ("GET /livez HTTP/1.0\r\nname: " + String(repeating: "a", count: 9000) + "\r\n\r\n", 431),
    ].map { Refused(request: $0.0, status: $0.1) }

    @Test("refuses everything else, and repeats nothing of it", arguments: refused)
    func refusals(refused: Refused) throws {
        let (request, status) = (refused.request, refused.status)
        let port = try Self.port()
        let answer = try BareClient.answer(port.address, to: request)
        #expect(answer.hasPrefix("HTTP/1.1 \(status) "), "\(answer)")
        #expect(answer.contains("\r\nConnection: close\r\n"))
        if status == 404 { #expect(answer.hasSuffix("\r\n\r\n/livez\n/readyz\n/metrics\n")) }
        if status == 405 { #expect(answer.contains("\r\nAllow: GET\r\n")) }
        #expect(!answer.contains("aaaa") && !answer.contains("passwd"))
    }

    @Test("takes a head of exactly the limit, in whatever pieces it comes")
    func pieces() throws {
        let start = "GET /livez HTTP/1.1\r\nHost: a\r\nname: "
        let head = start + String(repeating: "a", count: 8192 - start.utf8.count - 4) + "\r\n\r\n"
        #expect(HTTPRequest(Array(head.utf8), newCount: 8192) == .path(.livez))
        #expect(HTTPRequest(Array(head.utf8), newCount: 1) == .path(.livez), "the end began before")
        #expect(HTTPRequest(Array(head.utf8.dropLast()), newCount: 8191) == nil)
        #expect(HTTPRequest(Array(head.utf8.dropLast()), newCount: 0) == .refused(400))
        let port = try Self.port()
        let client = try BareClient(port.address)
        for byte in "GET /livez HTTP/1.1\r\nHost: a\r\n\r\n".utf8 {
            client.send([byte])
            usleep(500)
        }
        #expect(client.rest()?.hasSuffix("\r\n\r\nok\n") == true)
    }

    @Test("half a request and an end is garbage; an end alone is nothing")
    func halves() throws {
        let port = try Self.port()
        let half = try BareClient(port.address)
        half.send("GET /livez HT".utf8)
        half.endSending()
        #expect(half.rest()?.hasPrefix("HTTP/1.1 400 ") == true)
        let silent = try BareClient(port.address)
        silent.endSending()
        #expect(silent.rest() == "")
    }

    @Test("forty silent clients keep no probe from its answer; the oldest of them are closed")
    func silentClients() throws {
        let port = try Self.port()
        let silent = try (0..<40).map { _ in try BareClient(port.address) }
        #expect(try BareClient.get(port.address, "/livez").hasPrefix("HTTP/1.1 200 "))
        for client in silent[..<24] { #expect(client.rest() == "") }
        #expect(try PortFacts.soon { try PortFacts.socketCount(port.address) <= 17 }, "16 and the listener")
        silent[39].send("GET /livez HTTP/1.0\r\n\r\n".utf8)
        #expect(silent[39].rest()?.hasPrefix("HTTP/1.1 200 ") == true, "the newest are still there")
    }

    @Test("a request has its time, whether a client is silent or trickles")
    func patience() throws {
        let port = try Self.port(patience: .milliseconds(200))
        let start = ContinuousClock.now
        let silent = try BareClient(port.address)
        let trickling = try BareClient(port.address)
        for byte in "GET /livez HTTP/1.0\r\nname: a long and slow header".utf8 {
            if !trickling.send([byte]) { break }
            usleep(10_000)
        }
        #expect(silent.rest() == "")
        #expect(start.duration(to: .now) >= .milliseconds(190))
        #expect(try PortFacts.soon { try PortFacts.socketCount(port.address) == 1 })
        #expect(trickling.rest()?.isEmpty != false, "closed without an answer")
        #expect(start.duration(to: .now) < .seconds(8))
    }

    @Test("a client that does not read its answer holds up no other, and gets all of it once it does")
    func slowReader() throws {
        var page = Metrics()
        // More than the system takes off our hands at once.
        page.info("etlx_long", "Long.", ["text": String(repeating: "x", count: 6 << 20)])
        let port = try Self.port(page: page)
        let slow = try BareClient(port.address, receiveBuffer: 64 << 10)
        slow.send("GET /metrics HTTP/1.0\r\n\r\n".utf8)
        #expect(try BareClient.get(port.address, "/livez").hasPrefix("HTTP/1.1 200 "))
        let head =
            "HTTP/1.1 200 OK\r\nContent-Type: \(Metrics.contentType)\r\nContent-Length: \(page.text.utf8.count)\r\n"
            + "Cache-Control: no-store\r\nConnection: close\r\n\r\n"
        let isWhole = slow.rest() == head + page.text
        #expect(isWhole)
    }

    @Test("a thousand clients of every kind leave no descriptor behind")
    func manyClients() throws {
        let port = try Self.port()
        #expect(try PortFacts.socketCount(port.address) == 1)
        for number in 0..<1000 {
            let client = try BareClient(port.address)
            switch number % 5 {
            case 0: #expect(try BareClient.get(port.address, "/livez").hasPrefix("HTTP/1.1 200 "))
            case 1:
                client.send("GET /metrics HTTP/1.1\r\nHost: a\r\n\r\n".utf8)
                client.willReset()
            case 2: client.send((0..<64).map { UInt8(truncatingIfNeeded: $0 &* 37 &+ number) })
            case 3:
                client.send("GET /livez HT".utf8)
                client.willReset()
            default: client.endSending()
            }
        }
        #expect(try PortFacts.soon { try PortFacts.socketCount(port.address) == 1 })
        #expect(try BareClient.get(port.address, "/livez").hasPrefix("HTTP/1.1 200 "))
    }

    @Test("what follows a refused request is read, so that no reset overtakes the answer; but not for ever")
    func unreadBody() throws {
        let port = try Self.port()
        let client = try BareClient(port.address)
        let piece = [UInt8](repeating: 97, count: 8 << 10)
        client.send("POST /livez HTTP/1.0\r\n\r\n".utf8)
        #expect(client.rest()?.hasPrefix("HTTP/1.1 405 ") == true)
        for _ in 0..<5 {
            #expect(client.send(piece))
            usleep(2000)
        }
        #expect(PortFacts.soon { !client.send(piece) })
    }

    @Test("a client that is gone before its answer raises no signal")
    func brokenPipe() throws {
        let (asked, gone) = (DispatchSemaphore(value: 0), DispatchSemaphore(value: 0))
        let port = try HTTPPort(listeningOn: "127.0.0.1:0") { path in
            // The port's thread: what it gets while blocked stays pending, whatever the process does about it.
            var signals = sigset_t()
            if path == .livez {
                unsafe sigemptyset(&signals)
                unsafe sigaddset(&signals, SIGPIPE)
                unsafe pthread_sigmask(SIG_BLOCK, &signals, nil)
                asked.signal()
                _ = gone.wait(timeout: .now() + 5)
                return .well
            }
            unsafe sigpending(&signals)
            return unsafe sigismember(&signals, SIGPIPE) == 0 ? .well : .unwell("a signal")
        }
        try {
            let client = try BareClient(port.address)
            client.send("GET /livez HTTP/1.0\r\n\r\n".utf8)
            #expect(asked.wait(timeout: .now() + 5) == .success)
            // An end and then a reset: writing to that is a broken pipe.
            client.endSending()
            client.willReset()
        }()
        gone.signal()
        #expect(try BareClient.get(port.address, "/readyz").hasPrefix("HTTP/1.1 200 "))
    }

    @Test("closing ends its connections and its thread, and frees the address")
    func closing() throws {
        let port = try Self.port()
        let client = try BareClient(port.address)
        #expect(try BareClient.get(port.address, "/livez").hasPrefix("HTTP/1.1 200 "))
        let start = ContinuousClock.now
        port.close()
        port.close()
        #expect(
            start.duration(to: .now) < .seconds(4), "the thread's end was waited for, and came before patience ended")
        #expect(client.rest() == "")
        #expect(try PortFacts.socketCount(port.address) == 0)
        #expect(throws: (any Error).self) { try BareClient(port.address) }
        let again = try Self.port(port.address)
        #expect(again.address == port.address)
        #expect(try BareClient.get(again.address, "/livez").hasPrefix("HTTP/1.1 200 "))
    }

    @Test("a port that is let go closes itself")
    func lettingGo() throws {
        var port: HTTPPort? = try Self.port()
        let address = try #require(port?.address)
        port = nil
        #expect(try PortFacts.socketCount(address) == 0)
    }

    @Test(
        "an address is a number of this machine with a port",
        arguments: [
            "", "9090", ":9090", "localhost:9090", "127.0.0.1", "127.0.0.1:", "127.0.0.1:70000", "127.0.0.1:-1",
            "127.0.0.1:+1", "::1:9090", "[::1]", "[127.0.0.1]:9090", "192.0.2.1:0", "127.0.0.1:http",
        ])
    func addresses(address: String) {
        let error = #expect(throws: TelemetryError.self) { try Self.port(address) }
        #expect(error?.code == .badAddress)
    }

    @Test("a taken address is an error of its own")
    func taken() throws {
        let port = try Self.port()
        let error = #expect(throws: TelemetryError.self) { try Self.port(port.address) }
        #expect(error?.code == .notFree)
    }

    @Test(
        "[::] takes IPv4 too",
        .enabled(if: FileManager.default.fileExists(atPath: "/proc/net/if_inet6"), "this machine has no IPv6"))
    func bothFamilies() throws {
        let port = try Self.port("[::]:0")
        #expect(port.address.hasPrefix("[::]:") && !port.address.hasSuffix(":0"))
        #expect(try BareClient.get(port.address, "/livez").hasPrefix("HTTP/1.1 200 "))
    }
}
