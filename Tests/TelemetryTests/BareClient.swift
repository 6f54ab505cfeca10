import Foundation
import Glibc
import Testing

/// A client over a bare socket on loopback, for what no library would send.
final class BareClient {
    private let descriptor: Int32

    /// `receiveBuffer`: how many bytes the system takes before somebody reads them.
    init(_ address: String, receiveBuffer: Int32? = nil) throws {
        let port = try #require(address.split(separator: ":").last.flatMap { UInt16($0) })
        descriptor = socket(AF_INET, Int32(SOCK_STREAM.rawValue), 0)
        var patience = timeval(tv_sec: 10, tv_usec: 0)
        unsafe setsockopt(descriptor, SOL_SOCKET, SO_RCVTIMEO, &patience, socklen_t(MemoryLayout<timeval>.size))
        if var size = receiveBuffer { unsafe setsockopt(descriptor, SOL_SOCKET, SO_RCVBUF, &size, 4) }
        var place = sockaddr_in()
        place.sin_family = sa_family_t(AF_INET)
        place.sin_port = port.bigEndian
        place.sin_addr.s_addr = UInt32(0x7f00_0001).bigEndian
        let result = unsafe withUnsafePointer(to: &place) { pointer in
            unsafe pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) { raw in
                unsafe connect(descriptor, raw, socklen_t(MemoryLayout<sockaddr_in>.size))
            }
        }
        if result != 0 { throw POSIXError(POSIXErrorCode(rawValue: errno) ?? .EIO) }
    }

    deinit { Glibc.close(descriptor) }

    /// False when the other side is gone.
    @discardableResult
    func send(_ bytes: some Sequence<UInt8>) -> Bool {
        let bytes = Array(bytes)
        return unsafe Glibc.send(descriptor, bytes, bytes.count, Int32(MSG_NOSIGNAL)) == bytes.count
    }

    func endSending() { shutdown(descriptor, Int32(SHUT_WR)) }

    /// Makes the end, when it comes, a reset.
    func willReset() {
        var hard = linger(l_onoff: 1, l_linger: 0)
        unsafe setsockopt(descriptor, SOL_SOCKET, SO_LINGER, &hard, socklen_t(MemoryLayout<linger>.size))
    }

    /// All up to the end; nil when the connection was reset or nothing came for 10 s.
    func rest() -> String? {
        var all: [UInt8] = []
        var piece = [UInt8](repeating: 0, count: 16 << 10)
        while true {
            let count = unsafe recv(descriptor, &piece, piece.count, 0)
            if count == 0 { return String(decoding: all, as: UTF8.self) }
            if count < 0 { return nil }
            all += piece[..<count]
        }
    }

    static func answer(_ address: String, to request: String) throws -> String {
        let client = try BareClient(address)
        client.send(request.utf8)
        return try #require(client.rest(), "a whole answer")
    }

    static func get(_ address: String, _ target: String) throws -> String {
        try answer(address, to: "GET \(target) HTTP/1.1\r\nHost: here\r\n\r\n")
    }
}

/// What the system knows of a port of this process.
enum PortFacts {
    /// Sockets of the port that a descriptor refers to, the listening one among them. Others' descriptors do not count,
    /// so that tests beside this one change nothing.
    static func socketCount(_ address: String) throws -> Int {
        let port = try #require(address.split(separator: ":").last.flatMap { UInt16($0) })
        let digits = String(port, radix: 16, uppercase: true)
        let end = ":" + String(repeating: "0", count: 4 - digits.count) + digits
        return try ["tcp", "tcp6"].reduce(0) { sum, table in
            let rows = String(decoding: try Data(contentsOf: URL(filePath: "/proc/self/net/\(table)")), as: UTF8.self)
            return sum
                + rows.split(separator: "\n").dropFirst().map { $0.split(separator: " ") }
                .filter { $0[1].hasSuffix(end) && $0[9] != "0" }.count
        }
    }

    /// Looks every 10 ms for at most 5 s.
    static func soon(_ condition: () throws -> Bool) rethrows -> Bool {
        for _ in 0..<500 {
            if try condition() { return true }
            usleep(10_000)
        }
        return try condition()
    }
}
