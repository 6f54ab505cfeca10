internal import CPostgres
internal import Model

#if canImport(Glibc)
import Glibc
#elseif canImport(Musl)
import Musl
#endif

/// Opening a libpq connection with a deadline and with errors that hold no text of others.
enum PostgresConnecting {
    static func connect(url: Secret, timeout: Duration, unacknowledged: Duration) throws(PostgresError) -> OpaquePointer
    {
        try checkSingleHost(url: url)
        // Later words win over the URL's. A vanished server is noticed by the kernel within a minute or so.
        let words: [(String, String)] = [
            ("dbname", url.reveal()), ("application_name", ProductVersion.name), ("client_encoding", "UTF8"),
            ("keepalives", "1"), ("keepalives_idle", "30"), ("keepalives_interval", "10"), ("keepalives_count", "3"),
            ("tcp_user_timeout", String(unacknowledged.components.seconds * 1000)),
        ]
        let started = unsafe withCStrings(words.map(\.0) + [nil]) { names in
            unsafe withCStrings(words.map(\.1) + [nil]) { values in unsafe PQconnectStartParams(names, values, 1) }
        }
        guard let raw = unsafe started else { preconditionFailure("out of memory") }
        // Messages then end in the SQLSTATE, which libpq tells of a refused connection in no other way.
        unsafe PQsetErrorVerbosity(raw, PQERRORS_SQLSTATE)
        var isConnected = false
        defer { if !isConnected { unsafe PQfinish(raw) } }

        let deadline = ContinuousClock.now + timeout
        var wanted = unsafe PQstatus(raw) == CONNECTION_BAD ? PGRES_POLLING_FAILED : PGRES_POLLING_WRITING
        while wanted != PGRES_POLLING_OK {
            if wanted == PGRES_POLLING_FAILED { throw unsafe refused(raw) }
            let remaining = deadline - ContinuousClock.now
            guard remaining > .zero else { throw unsafe PostgresError(.tooSlow, place: placeText(raw)) }
            let events = wanted == PGRES_POLLING_READING ? POLLIN : POLLOUT
            if unsafe waitFor(PQsocket(raw), events: Int16(events), atMost: remaining) {
                wanted = unsafe PQconnectPoll(raw)
            }
        }
        isConnected = true
        return unsafe raw
    }

    /// Host and port as libpq used them; of a local socket its folder.
    static func place(_ raw: OpaquePointer) -> (host: String, port: Int) {
        let host = unsafe PQhost(raw).map { unsafe String(cString: $0) } ?? ""
        let port = unsafe PQport(raw).map { unsafe String(cString: $0) } ?? ""
        return (host.isEmpty ? "localhost" : host, Int(port) ?? 5432)
    }

    static func placeText(_ raw: OpaquePointer) -> String {
        let (host, port) = unsafe place(raw)
        return "\(host):\(port)"
    }

    /// Waits until the socket is ready; false after `atMost`.
    static func waitFor(_ socket: Int32, events: Int16, atMost: Duration) -> Bool {
        var descriptor = pollfd(fd: socket, events: events, revents: 0)
        let milliseconds = atMost.components.seconds * 1000 + atMost.components.attoseconds / 1_000_000_000_000_000
        return unsafe poll(&descriptor, 1, Int32(clamping: milliseconds + 1)) > 0
    }

    private static func refused(_ raw: OpaquePointer) -> PostgresError {
        let message = unsafe PQerrorMessage(raw).map { unsafe String(cString: $0) } ?? ""
        var state = PostgresError.state(inConnectionMessage: message)
        // No password where one is asked for: libpq gives up by itself.
        if state == nil, unsafe PQconnectionNeedsPassword(raw) == 1 { state = "28P01" }
        return unsafe PostgresError(.state(state), place: placeText(raw))
    }

    /// A URL with several hosts may lead every connection to another server.
    private static func checkSingleHost(url: Secret) throws(PostgresError) {
        guard let words = words(of: url) else { throw PostgresError(.wrongURL, place: "") }
        for word in ["host", "hostaddr", "port"] where words[word]?.contains(",") == true {
            throw PostgresError(.severalHosts, place: "")
        }
    }

    /// The words that a URL sets; nil when it is none.
    static func words(of url: Secret) -> [String: String]? {
        guard let options = unsafe PQconninfoParse(url.reveal(), nil) else { return nil }
        defer { unsafe PQconninfoFree(options) }
        return unsafe collected(options)
    }

    /// What libpq takes where a URL sets nothing: from the environment, or built in.
    static func standardWords() -> [String: String] {
        guard let options = unsafe PQconndefaults() else { return [:] }
        defer { unsafe PQconninfoFree(options) }
        return unsafe collected(options)
    }

    private static func collected(_ options: UnsafeMutablePointer<PQconninfoOption>) -> [String: String] {
        var words: [String: String] = [:]
        var option = unsafe options
        while let keyword = unsafe option.pointee.keyword {
            if let value = unsafe option.pointee.val {
                unsafe words[String(cString: keyword)] = unsafe String(cString: value)
            }
            unsafe option += 1
        }
        return words
    }
}

/// Calls `body` with C strings that live for the call; nil stays a null pointer.
func withCStrings<Result>(
    _ texts: [String?], _ body: (UnsafePointer<UnsafePointer<CChar>?>?) -> Result
) -> Result {
    var pointers: [UnsafePointer<CChar>?] = unsafe texts.map { text in
        unsafe text.map { unsafe UnsafePointer(strdup($0)) }
    }
    defer { unsafe pointers.forEach { unsafe free(UnsafeMutablePointer(mutating: $0)) } }
    return unsafe pointers.withUnsafeMutableBufferPointer { buffer in
        unsafe body(UnsafePointer(buffer.baseAddress))
    }
}
