import Model

/// Where a coordinator listens: `tcp://host:port` or `tls+tcp://host:port`, an IPv6 host in brackets.
struct NetworkAddress: Equatable {
    let isTLS: Bool
    /// Without brackets.
    let host: String
    let port: UInt16

    init(_ text: String) throws(ClusterError) {
        guard let mark = text.firstRange(of: "://") else { throw Self.unreadable(text) }
        switch text[..<mark.lowerBound] {
        case "tcp": isTLS = false
        case "tls+tcp": isTLS = true
        default: throw Self.unreadable(text)
        }
        let rest = text[mark.upperBound...]
        guard let colon = rest.lastIndex(of: ":"), let port = UInt16(rest[rest.index(after: colon)...]) else {
            throw Self.unreadable(text)
        }
        self.port = port
        let host = rest[..<colon]
        if host.hasPrefix("["), host.hasSuffix("]") {
            self.host = String(host.dropFirst().dropLast())
        } else {
            guard !host.contains(where: { ":/@[]".contains($0) }) else { throw Self.unreadable(text) }
            self.host = String(host)
        }
    }

    /// 127.0.0.0/8, ::1 and the name `localhost`: nobody else's machine can reach it.
    var isLoopback: Bool { LoopbackHost.contains(host) }

    /// As one on this machine dials it when it listens everywhere.
    var dialledLocally: String {
        let reached =
            switch host {
            case "", "*", "0.0.0.0": "127.0.0.1"
            case "::": "::1"
            default: host
            }
        return text(host: reached, port: port)
    }

    func with(port: UInt16) -> String { text(host: host, port: port) }

    private func text(host: String, port: UInt16) -> String {
        "\(isTLS ? "tls+tcp" : "tcp")://\(host.contains(":") ? "[\(host)]" : host):\(port)"
    }

    private static func unreadable(_ text: String) -> ClusterError {
        ClusterError(.badAddress, reason: "\(text) is no address: write tcp://HOST:PORT or tls+tcp://HOST:PORT")
    }
}
