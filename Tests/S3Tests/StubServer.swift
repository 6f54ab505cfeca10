import Foundation
import Glibc
import Synchronization

/// A tiny HTTP server on loopback that answers as a test says, also in ways no good server does.
final class StubServer: Sendable {
    struct Request: Sendable {
        let method: String
        let target: String
        let headers: [String: String]
        let body: [UInt8]

        var text: String { String(decoding: body, as: UTF8.self) }
    }

    enum Answer: Sendable {
        case plain(Int, _ headers: [String: String] = [:], _ body: String = "")
        /// Announces more bytes than it sends, then closes.
        case truncated(announced: Int, body: String, headers: [String: String] = [:])
        /// Sends these and then nothing, with the connection open.
        case stalled(String)
        /// Sends these, then resets the connection.
        case reset(String)

        var isStalled: Bool { if case .stalled = self { true } else { false } }
    }

    private let listener: Int32
    let endpoint: String
    private let seen = Mutex<[Request]>([])
    private let answer: @Sendable (Request, Int) -> Answer
    private let open = Mutex<[Int32]>([])

    /// - Parameter answer: gets the request and how many came before it.
    init(_ answer: @escaping @Sendable (Request, Int) -> Answer) {
        self.answer = answer
        let listener = socket(AF_INET, Int32(SOCK_STREAM.rawValue), 0)
        self.listener = listener
        var address = sockaddr_in()
        address.sin_family = sa_family_t(AF_INET)
        address.sin_addr.s_addr = UInt32(0x7f00_0001).bigEndian
        var length = socklen_t(MemoryLayout<sockaddr_in>.size)
        unsafe withUnsafeMutablePointer(to: &address) { pointer in
            unsafe pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) { raw in
                precondition(unsafe bind(listener, raw, length) == 0 && listen(listener, 64) == 0)
                precondition(unsafe getsockname(listener, raw, &length) == 0)
            }
        }
        endpoint = "http://127.0.0.1:\(UInt16(bigEndian: address.sin_port))"
        let thread = Thread { [weak self] in
            while true {
                let connection = accept(listener, nil, nil)
                guard connection >= 0, let self else { return }
                self.open.withLock { $0.append(connection) }
                Thread { self.serve(connection) }.start()
            }
        }
        thread.start()
    }

    /// Ends all connections. A stub that is not stopped lives as long as its threads.
    func stop() {
        shutdown(listener, Int32(SHUT_RDWR))
        close(listener)
        for connection in open.withLock({ $0 }) { shutdown(connection, Int32(SHUT_RDWR)) }
    }

    var requests: [Request] { seen.withLock { $0 } }

    private func serve(_ connection: Int32) {
        defer {
            open.withLock { $0.removeAll { $0 == connection } }
            close(connection)
        }
        var buffered: [UInt8] = []
        while let request = Self.read(connection, &buffered) {
            let number = seen.withLock { seen in
                seen.append(request)
                return seen.count - 1
            }
            switch answer(request, number) {
            case .plain(let status, let headers, let body):
                let length = headers["Content-Length"] == nil ? ["Content-Length": "\(body.utf8.count)"] : [:]
                let lines = headers.merging(length) { $1 }.map { "\($0): \($1)\r\n" }.joined()
                Self.send(connection, "HTTP/1.1 \(status) Word\r\n\(lines)\r\n\(request.method == "HEAD" ? "" : body)")
            case .truncated(let announced, let body, let headers):
                let lines = headers.map { "\($0): \($1)\r\n" }.joined()
                Self.send(connection, "HTTP/1.1 200 OK\r\nContent-Length: \(announced)\r\n\(lines)\r\n\(body)")
                return
            case .stalled(let text):
                Self.send(connection, text)
                // Until the other side gives up.
                var byte: UInt8 = 0
                while unsafe recv(connection, &byte, 1, 0) > 0 {}
                return
            case .reset(let text):
                Self.send(connection, text)
                var hard = linger(l_onoff: 1, l_linger: 0)
                unsafe setsockopt(connection, SOL_SOCKET, SO_LINGER, &hard, socklen_t(MemoryLayout<linger>.size))
                return
            }
        }
    }

    private static func send(_ connection: Int32, _ text: String) {
        let bytes = Array(text.utf8)
        _ = unsafe Glibc.send(connection, bytes, bytes.count, Int32(MSG_NOSIGNAL))
    }

    private static func read(_ connection: Int32, _ buffered: inout [UInt8]) -> Request? {
        func more() -> Bool {
            var piece = [UInt8](repeating: 0, count: 64 << 10)
            let count = unsafe recv(connection, &piece, piece.count, 0)
            guard count > 0 else { return false }
            buffered += piece[..<count]
            return true
        }
        let end = Array("\r\n\r\n".utf8)
        var place = buffered.firstRange(of: end)
        while place == nil {
            guard more() else { return nil }
            place = buffered.firstRange(of: end)
        }
        guard let place else { return nil }
        let lines = String(decoding: buffered[..<place.lowerBound], as: UTF8.self).components(separatedBy: "\r\n")
        let words = lines[0].split(separator: " ")
        var headers: [String: String] = [:]
        for line in lines.dropFirst() {
            guard let colon = line.firstIndex(of: ":") else { continue }
            headers[line[..<colon].lowercased()] = line[line.index(after: colon)...].trimmingCharacters(
                in: .whitespaces)
        }
        let length = Int(headers["content-length"] ?? "0") ?? 0
        while buffered.count < place.upperBound + length { guard more() else { return nil } }
        let body = Array(buffered[place.upperBound..<place.upperBound + length])
        buffered.removeFirst(place.upperBound + length)
        return Request(method: String(words[0]), target: String(words[1]), headers: headers, body: body)
    }
}
