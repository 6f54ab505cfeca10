internal import Glibc

/// Opens the listening socket of a port.
enum HTTPListener {
    /// - Returns: the descriptor, which does not block and is not inherited, and the address that it is bound to.
    static func open(_ text: String) throws(TelemetryError) -> (descriptor: CInt, address: String) {
        guard let (host, port) = parts(text) else { throw TelemetryError(.badAddress) }
        var hints = unsafe addrinfo()
        unsafe hints.ai_flags = AI_NUMERICHOST | AI_NUMERICSERV | AI_PASSIVE
        unsafe hints.ai_socktype = CInt(SOCK_STREAM.rawValue)
        var found: UnsafeMutablePointer<addrinfo>?
        guard unsafe getaddrinfo(host, port, &hints, &found) == 0, let found = unsafe found else {
            throw TelemetryError(.badAddress)
        }
        defer { unsafe freeaddrinfo(found) }
        let family = unsafe found.pointee.ai_family
        let kind = SOCK_STREAM.rawValue | SOCK_CLOEXEC.rawValue | SOCK_NONBLOCK.rawValue
        let descriptor = socket(family, CInt(kind), 0)
        guard descriptor >= 0 else { throw TelemetryError(.noDescriptors, systemCode: errno) }
        set(descriptor, SOL_SOCKET, SO_REUSEADDR, 1)
        if family == AF_INET6 { set(descriptor, CInt(IPPROTO_IPV6), IPV6_V6ONLY, 0) }
        guard unsafe bind(descriptor, found.pointee.ai_addr, found.pointee.ai_addrlen) == 0, listen(descriptor, 64) == 0
        else {
            let failure = errno
            close(descriptor)
            let isOurs = [EADDRINUSE, EACCES].contains(failure)
            throw TelemetryError(isOurs ? .notFree : .badAddress, systemCode: failure)
        }
        let bound = boundPort(descriptor).map(String.init) ?? port
        return (descriptor, text.prefix(upTo: text.lastIndex(of: ":") ?? text.endIndex) + ":" + bound)
    }

    /// `[::]:80` → `::` and `80`; nil for what is no address.
    static func parts(_ text: String) -> (host: String, port: String)? {
        guard let colon = text.lastIndex(of: ":") else { return nil }
        var host = text[..<colon]
        let port = text[text.index(after: colon)...]
        if host.first == "[", host.last == "]" {
            host = host.dropFirst().dropLast()
            guard host.contains(":") else { return nil }
        } else if host.contains(":") {
            return nil
        }
        guard !host.isEmpty, port.utf8.allSatisfy({ (0x30...0x39).contains($0) }), let number = UInt16(port) else {
            return nil
        }
        return (String(host), String(number))
    }

    private static func set(_ descriptor: CInt, _ level: CInt, _ option: CInt, _ value: CInt) {
        var value = value
        _ = unsafe setsockopt(descriptor, level, option, &value, socklen_t(MemoryLayout<CInt>.size))
    }

    private static func boundPort(_ descriptor: CInt) -> UInt16? {
        var address = sockaddr_in6()  // the larger one; both keep their port in the same place
        var length = socklen_t(MemoryLayout<sockaddr_in6>.size)
        let isKnown = unsafe withUnsafeMutablePointer(to: &address) { pointer in
            unsafe pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) { raw in
                unsafe getsockname(descriptor, raw, &length) == 0
            }
        }
        return isKnown ? UInt16(bigEndian: address.sin6_port) : nil
    }
}
