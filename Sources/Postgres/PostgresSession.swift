internal import CPostgres
package import Model

#if canImport(Glibc)
import Glibc
#elseif canImport(Musl)
import Musl
#endif

/// One libpq connection. Calls block; one thread at a time may use it. It closes when the last reference goes.
///
/// Foreign texts never leave it: errors carry SQLSTATE, host and port.
@safe package final class PostgresSession {
    package let host: String
    package let port: Int
    /// libpq's handle, for calls that are not wrapped here. Never to be closed by others.
    package let raw: OpaquePointer
    /// The last message of a COPY to us; ours until the next one.
    var message: UnsafeMutablePointer<CChar>?
    /// Statement → the name under which the server keeps it prepared.
    var prepared: [String: String] = [:]

    /// Connects within `timeout`; a peer that leaves bytes unacknowledged for longer than `unacknowledged` (whole
    /// seconds) is given up. Names are resolved by nothing but their qualification, notices are not sent.
    ///
    /// - Throws: a refused user or password, a URL that does not parse or names several hosts, a server older than 14.
    package init(
        url: Secret, timeout: Duration = .seconds(10), unacknowledged: Duration = .seconds(30)
    ) throws(PostgresError) {
        let raw = unsafe try PostgresConnecting.connect(url: url, timeout: timeout, unacknowledged: unacknowledged)
        unsafe self.raw = raw
        let place = unsafe PostgresConnecting.place(raw)
        host = place.host
        port = place.port
        guard serverVersion >= 140_000 else { throw PostgresError(.oldServer, place: self.place) }
        try execute("SET search_path = ''; SET client_min_messages = error")
    }

    deinit {
        unsafe PQfreemem(message)
        unsafe PQfinish(raw)
    }

    package var place: String { "\(host):\(port)" }
    package var isAlive: Bool { unsafe PQstatus(raw) == CONNECTION_OK }
    package var serverVersion: Int { unsafe Int(PQserverVersion(raw)) }
    package var database: String { unsafe PQdb(raw).map { unsafe String(cString: $0) } ?? "" }
    /// No transaction is open, no statement under way.
    package var isIdle: Bool { unsafe PQtransactionStatus(raw) == PQTRANS_IDLE }

    /// Runs statements that give no rows anyone wants.
    package func execute(_ sql: String) throws(PostgresError) {
        let result = unsafe PQexec(raw, sql)
        defer { unsafe PQclear(result) }
        unsafe try check(result)
    }

    /// Runs one statement for few rows. Parameters are texts; SQL NULL is nil.
    package func query(_ sql: String, _ parameters: [String?] = []) throws(PostgresError) -> [[String?]] {
        try query(sql, values: parameters.map { $0.map { .text($0) } ?? .null })
    }

    package func query(_ sql: String, values: [PostgresValue]) throws(PostgresError) -> [[String?]] {
        let result = unsafe send(sql, values, isBinary: false)
        defer { unsafe PQclear(result) }
        unsafe try check(result)
        let columnCount = unsafe PQnfields(result)
        return unsafe (0..<PQntuples(result)).map { row in
            (0..<columnCount).map { column in
                unsafe PQgetisnull(result, row, column) == 1
                    ? nil : unsafe PQgetvalue(result, row, column).map { unsafe String(cString: $0) }
            }
        }
    }

    /// Runs one statement whose results are taken as bytes: `bytea` as it is, other types in their binary form.
    package func bytes(_ sql: String, values: [PostgresValue]) throws(PostgresError) -> [[[UInt8]?]] {
        let result = unsafe send(sql, values, isBinary: true)
        defer { unsafe PQclear(result) }
        unsafe try check(result)
        let columnCount = unsafe PQnfields(result)
        return unsafe (0..<PQntuples(result)).map { row in
            (0..<columnCount).map { column -> [UInt8]? in
                guard unsafe PQgetisnull(result, row, column) == 0 else { return nil }
                return unsafe [UInt8](
                    UnsafeRawBufferPointer(
                        start: PQgetvalue(result, row, column), count: Int(PQgetlength(result, row, column))))
            }
        }
    }

    /// Runs one statement; how many rows it changed.
    @discardableResult
    package func change(_ sql: String, _ values: [PostgresValue]) throws(PostgresError) -> Int {
        let result = unsafe send(sql, values, isBinary: false)
        defer { unsafe PQclear(result) }
        unsafe try check(result)
        return unsafe Int(PQcmdTuples(result).map { unsafe String(cString: $0) } ?? "") ?? 0
    }

    /// Waits until the server has said something; false after `atMost`.
    package func waitUntilReadable(atMost: Duration) -> Bool {
        unsafe PostgresConnecting.waitFor(PQsocket(raw), events: Int16(POLLIN), atMost: atMost)
    }

    // MARK: Pieces

    private func send(_ sql: String, _ values: [PostgresValue], isBinary: Bool) -> OpaquePointer? {
        // Copies that live for the call. A text ends with a zero byte; of bytes the length counts.
        var pointers: [UnsafePointer<CChar>?] = unsafe []
        var lengths: [Int32] = []
        var formats: [Int32] = []
        for value in values {
            switch value {
            case .null:
                unsafe pointers.append(nil)
                lengths.append(0)
                formats.append(0)
            case .text(let text):
                unsafe pointers.append(UnsafePointer(strdup(text)))
                lengths.append(0)
                formats.append(0)
            case .bytes(let bytes):
                guard let memory = unsafe malloc(max(bytes.count, 1)) else { preconditionFailure("out of memory") }
                unsafe bytes.withUnsafeBytes {
                    unsafe memory.copyMemory(from: $0.baseAddress ?? UnsafeRawPointer(memory), byteCount: $0.count)
                }
                unsafe pointers.append(UnsafePointer(memory.assumingMemoryBound(to: CChar.self)))
                lengths.append(Int32(bytes.count))
                formats.append(1)
            }
        }
        defer { unsafe pointers.forEach { unsafe free(UnsafeMutablePointer(mutating: $0)) } }
        return unsafe PQexecParams(
            raw, sql, Int32(values.count), nil, pointers, lengths, formats, isBinary ? 1 : 0)
    }

    /// Throws unless the result is a success of some kind.
    func check(_ result: OpaquePointer?) throws(PostgresError) {
        switch unsafe PQresultStatus(result) {
        case PGRES_COMMAND_OK, PGRES_TUPLES_OK, PGRES_COPY_OUT, PGRES_COPY_IN: return
        default: throw unsafe error(of: result)
        }
    }

    /// What a failed result says; nil: the connection broke.
    package func error(of result: OpaquePointer?) -> PostgresError {
        // libpq makes a result without SQLSTATE when the connection broke.
        let state = unsafe PQresultErrorField(result, Self.sqlStateField).map { unsafe String(cString: $0) }
        return PostgresError(.state(state), place: place)
    }

    /// `PG_DIAG_SQLSTATE`, a macro of a character.
    private static let sqlStateField = Int32(UInt8(ascii: "C"))
}

/// A parameter of a statement.
package enum PostgresValue: Sendable {
    case null
    case text(String)
    case bytes([UInt8])

    package static func number(_ number: some BinaryInteger) -> PostgresValue { .text(String(number)) }
}
