import Foundation
import Glibc
import Synchronization

/// A way to a server on loopback that is cut when told: just before a COMMIT reaches the server, or just before its answer
/// reaches the client.
final class CutProxy: Sendable {
    enum Mode: Sendable {
        case open
        /// The COMMIT is lost, and the connection.
        case loseCommit
        /// The answer of the COMMIT is lost, and the connection.
        case loseAnswer
        /// New connections end at once.
        case closed
    }

    let port: Int
    private let listener: Int32
    private let state = Mutex(State())

    private struct State {
        var mode = Mode.open
        var afterwards = Mode.open
        var cuts = 0
        var sockets: Set<Int32> = []
    }

    init(to target: Int) throws {
        let accepting = socket(AF_INET, Int32(SOCK_STREAM.rawValue), 0)
        listener = accepting
        var address = Self.loopback(port: 0)
        var length = socklen_t(MemoryLayout<sockaddr_in>.size)
        let bound = unsafe withUnsafeMutablePointer(to: &address) { pointer in
            unsafe pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) {
                unsafe bind(accepting, $0, length) == 0 && getsockname(accepting, $0, &length) == 0
            }
        }
        guard bound, listen(accepting, 16) == 0 else { throw POSIXError(.EADDRINUSE) }
        port = Int(UInt16(bigEndian: address.sin_port))
        Thread.detachNewThread { [weak self] in
            while true {
                let client = accept(accepting, nil, nil)
                guard client >= 0, let proxy = self else { return }
                proxy.serve(client, target)
            }
        }
    }

    deinit {
        shutdown(listener, Int32(SHUT_RDWR))
        close(listener)
    }

    /// The same URL by way of the proxy.
    func url(_ url: String) -> String {
        var parts = URLComponents(string: url)!
        parts.host = "127.0.0.1"
        parts.port = port
        return parts.string!
    }

    /// What becomes of the next COMMIT, and afterwards; or of new connections.
    func set(_ mode: Mode, afterwards: Mode = .open) {
        state.withLock { ($0.mode, $0.afterwards) = (mode, afterwards) }
    }

    /// Cuts the connections that there are.
    func cut() {
        state.withLock { state in for descriptor in state.sockets { shutdown(descriptor, Int32(SHUT_RDWR)) } }
    }

    var cuts: Int { state.withLock { $0.cuts } }

    private func serve(_ client: Int32, _ target: Int) {
        let server = socket(AF_INET, Int32(SOCK_STREAM.rawValue), 0)
        var address = Self.loopback(port: target)
        let isOpen = state.withLock { if case .closed = $0.mode { false } else { true } }
        let isConnected =
            unsafe isOpen
            && withUnsafePointer(to: &address) { pointer in
                unsafe pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) {
                    unsafe connect(server, $0, socklen_t(MemoryLayout<sockaddr_in>.size)) == 0
                }
            }
        guard isConnected else {
            close(client)
            close(server)
            return
        }
        state.withLock { $0.sockets.formUnion([client, server]) }
        let mute = Held(Atomic(false))
        let ends = Held(Atomic(0))
        let end: @Sendable () -> Void = { [weak self] in
            shutdown(client, Int32(SHUT_RDWR))
            shutdown(server, Int32(SHUT_RDWR))
            guard ends.value.add(1, ordering: .relaxed).newValue == 2 else { return }
            self?.state.withLock { $0.sockets.subtract([client, server]) }
            close(client)
            close(server)
        }
        Thread.detachNewThread { [weak self] in
            Self.pump(client, server) { bytes in
                guard Data(bytes).range(of: Data("COMMIT\0".utf8)) != nil, let self else { return true }
                return self.state.withLock { state in
                    switch state.mode {
                    case .loseCommit:
                        state.mode = state.afterwards
                        state.cuts += 1
                        return false
                    case .loseAnswer:
                        state.mode = state.afterwards
                        state.cuts += 1
                        mute.value.store(true, ordering: .relaxed)
                        return true
                    case .open, .closed: return true
                    }
                }
            }
            end()
        }
        Thread.detachNewThread {
            Self.pump(server, client) { _ in !mute.value.load(ordering: .relaxed) }
            end()
        }
    }

    private final class Held<Value: ~Copyable & Sendable>: Sendable {
        let value: Value
        init(_ value: consuming Value) { self.value = value }
    }

    /// Hands bytes on as long as `isPassed` says so of them.
    private static func pump(_ from: Int32, _ to: Int32, _ isPassed: ([UInt8]) -> Bool) {
        var buffer = [UInt8](repeating: 0, count: 1 << 16)
        while true {
            let count = unsafe read(from, &buffer, buffer.count)
            guard count > 0, isPassed(Array(buffer[..<count])) else { return }
            var sent = 0
            while sent < count {
                let written = unsafe buffer[sent..<count].withUnsafeBytes { bytes in
                    unsafe send(to, bytes.baseAddress, bytes.count, Int32(MSG_NOSIGNAL))
                }
                guard written > 0 else { return }
                sent += written
            }
        }
    }

    private static func loopback(port: Int) -> sockaddr_in {
        var address = sockaddr_in()
        address.sin_family = sa_family_t(AF_INET)
        address.sin_port = UInt16(port).bigEndian
        address.sin_addr.s_addr = UInt32(0x7f00_0001).bigEndian
        return address
    }
}
