internal import CPostgres
internal import Model

#if canImport(Glibc)
import Glibc
#elseif canImport(Musl)
import Musl
#endif

/// Opening a libpq connection with a deadline and with errors that hold no text of others.
enum PostgresConnecting {
    static func connect(source: String, url: Secret, timeout: Duration) throws(ExtractError) -> OpaquePointer {
        try checkSingleHost(source: source, url: url)
        // Later words win over the URL's. A vanished server is noticed by the kernel within a minute or so.
        let words: [(String, String)] = [
            ("dbname", url.reveal()), ("application_name", ProductVersion.name), ("client_encoding", "UTF8"),
            ("keepalives", "1"), ("keepalives_idle", "30"), ("keepalives_interval", "10"), ("keepalives_count", "3"),
            ("tcp_user_timeout", "30000"),
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
            if wanted == PGRES_POLLING_FAILED { throw unsafe refused(raw, source: source) }
            let remaining = deadline - ContinuousClock.now
            guard remaining > .zero else { throw unsafe tooSlow(raw, source: source) }
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

    /// Waits until the socket is ready; false after `atMost`.
    static func waitFor(_ socket: Int32, events: Int16, atMost: Duration) -> Bool {
        var descriptor = pollfd(fd: socket, events: events, revents: 0)
        let milliseconds = atMost.components.seconds * 1000 + atMost.components.attoseconds / 1_000_000_000_000_000
        return unsafe poll(&descriptor, 1, Int32(clamping: milliseconds + 1)) > 0
    }

    private static func refused(_ raw: OpaquePointer, source: String) -> ExtractError {
        let (host, port) = unsafe place(raw)
        let message = unsafe PQerrorMessage(raw).map { unsafe String(cString: $0) } ?? ""
        var state = PostgresFailure.state(inConnectionMessage: message)
        // No password where one is asked for: libpq gives up by itself.
        if state == nil, unsafe PQconnectionNeedsPassword(raw) == 1 { state = "28P01" }
        return PostgresFailure.error(
            state: state, source: source, subject: nil, doing: .connecting, place: "\(host):\(port)")
    }

    private static func tooSlow(_ raw: OpaquePointer, source: String) -> ExtractError {
        let (host, port) = unsafe place(raw)
        return ExtractError(
            .unreachable, source: source, reason: "\(host):\(port) did not answer in time",
            remedy: "check the address, the network and firewalls")
    }

    /// A URL with several hosts may lead every connection to another server, where the snapshot does not exist.
    private static func checkSingleHost(source: String, url: Secret) throws(ExtractError) {
        guard let options = unsafe PQconninfoParse(url.reveal(), nil) else {
            throw ExtractError(
                .notPermitted, source: source, reason: "the source's URL is not one of PostgreSQL",
                remedy: "write postgresql://user:password@host:port/database")
        }
        defer { unsafe PQconninfoFree(options) }
        var option = unsafe options
        while let keyword = unsafe option.pointee.keyword {
            let word = unsafe String(cString: keyword)
            if ["host", "hostaddr", "port"].contains(word), let value = unsafe option.pointee.val,
                unsafe String(cString: value).contains(",")
            {
                throw ExtractError(
                    .notPermitted, source: source, reason: "the source's URL names several hosts",
                    remedy: "name one: all connections of a run must reach the same server")
            }
            unsafe option += 1
        }
    }
}
