internal import CPostgres
internal import Model

#if canImport(Glibc)
import Glibc
#elseif canImport(Musl)
import Musl
#endif

/// A statement of a pipeline. Its parameters are `$1`, `$2`, …
package struct PostgresStatement: Sendable {
    /// A parameter. A null has a type too, so that the server need not guess it.
    package enum Parameter: Sendable {
        case number(Int64?)
        case text(String?)
        case bytes([UInt8]?)
    }

    package let sql: String
    package let parameters: [Parameter]
    /// The server parses it once a session. Not for statements of ever new texts: it keeps them all.
    package let isPrepared: Bool

    package init(_ sql: String, _ parameters: [Parameter] = [], isPrepared: Bool = true) {
        self.sql = sql
        self.parameters = parameters
        self.isPrepared = isPrepared
    }
}

/// What one statement of a pipeline gave.
package struct PostgresAnswer: Sendable {
    /// As texts; SQL NULL is nil.
    package let rows: [[String?]]
    /// Rows that were changed or given.
    package let count: Int
}

/// The answers of a pipeline's statements, up to the first that failed; the server skips the ones behind it.
package struct PostgresAnswers: Sendable {
    package let answers: [PostgresAnswer]
    package let failure: PostgresError?
}

/// Many statements in one round trip.
extension PostgresSession {
    /// Sends all statements, then takes their answers. They are one transaction unless they say otherwise.
    ///
    /// - Parameters:
    ///   - silence: how long the server may say nothing before it is given up.
    ///   - isStreamed: `row` is given each row as it comes, with its statement's place; the answers have none then.
    /// - Throws: when the connection broke or the server fell silent (`isConnectionLost`): nobody knows what became of the
    ///   statements, and the session is of no use any more. What the server refuses is in the result.
    /// - Cost: one round trip; all parameters are in memory twice, large ones no longer than until they are sent.
    package func pipeline(
        _ statements: [PostgresStatement], silence: Duration, isStreamed: Bool = false,
        row: (_ statement: Int, _ values: [String?]) -> Void = { _, _ in }
    ) throws(PostgresError) -> PostgresAnswers {
        guard isAlive, unsafe PQsetnonblocking(raw, 1) == 0, unsafe PQenterPipelineMode(raw) == 1 else { throw lost }
        defer {
            _ = unsafe PQexitPipelineMode(raw)
            _ = unsafe PQsetnonblocking(raw, 0)
        }
        // A nil: the answer of a statement; otherwise that of its preparation under a name.
        var expected: [(sql: String, name: String)?] = []
        var named = prepared
        for statement in statements {
            var name: String?
            if statement.isPrepared {
                name = named[statement.sql]
                if name == nil {
                    let new = "s\(named.count)"
                    try prepare(statement, as: new)
                    named[statement.sql] = new
                    expected.append((statement.sql, new))
                    name = new
                }
            }
            let byteCount = try send(statement, name)
            expected.append(nil)
            if byteCount > 1 << 20 { try flush(silence) }
        }
        guard unsafe PQpipelineSync(raw) == 1 else { throw lost }
        try flush(silence)
        return try collect(expected, silence, isStreamed, row)
    }

    private var lost: PostgresError { PostgresError(.state(nil), place: place) }

    private func prepare(_ statement: PostgresStatement, as name: String) throws(PostgresError) {
        let types = statement.parameters.map(\.type)
        guard unsafe PQsendPrepare(raw, name, statement.sql, Int32(types.count), types) == 1 else { throw lost }
    }

    /// - Returns: how many bytes of parameters it has.
    private func send(_ statement: PostgresStatement, _ name: String?) throws(PostgresError) -> Int {
        var storage: [UInt8] = []
        var (starts, lengths, formats): ([Int?], [Int32], [Int32]) = ([], [], [])
        for parameter in statement.parameters {
            let start = storage.count
            let isNull = parameter.append(to: &storage)
            starts.append(isNull ? nil : start)
            lengths.append(Int32(storage.count - start))
            formats.append(parameter.isBinary ? 1 : 0)
            storage.append(0)  // ends a text, and no address is beyond the storage
        }
        let types = statement.parameters.map(\.type)
        // The pointers are into the storage and live for the call; libpq copies what they point to.
        let isSent = unsafe storage.withUnsafeBytes { bytes in
            let base = unsafe bytes.baseAddress?.assumingMemoryBound(to: CChar.self)
            let values: [UnsafePointer<CChar>?] = unsafe starts.map { start in
                unsafe start.flatMap { unsafe base?.advanced(by: $0) }
            }
            guard let name else {
                return unsafe PQsendQueryParams(
                    raw, statement.sql, Int32(types.count), types, values, lengths, formats, 0)
            }
            return unsafe PQsendQueryPrepared(raw, name, Int32(types.count), values, lengths, formats, 0)
        }
        guard isSent == 1 else { throw lost }
        return storage.count
    }

    /// Hands all bytes to the kernel, and takes in what the server says meanwhile: else both would wait for the other.
    private func flush(_ silence: Duration) throws(PostgresError) {
        while true {
            let state = unsafe PQflush(raw)
            if state == 0 { return }
            guard state == 1 else { throw lost }
            guard unsafe PostgresConnecting.waitFor(PQsocket(raw), events: Int16(POLLIN | POLLOUT), atMost: silence)
            else {
                throw PostgresError(.tooSlow, place: place)
            }
            guard unsafe PQconsumeInput(raw) == 1 else { throw lost }
        }
    }

    private func collect(
        _ expected: [(sql: String, name: String)?], _ silence: Duration, _ isStreamed: Bool,
        _ row: (Int, [String?]) -> Void
    ) throws(PostgresError) -> PostgresAnswers {
        var answers: [PostgresAnswer] = []
        var failure: PostgresError?
        for preparation in expected {
            if isStreamed { _ = unsafe PQsetSingleRowMode(raw) }
            guard var result = unsafe try next(silence) else { throw lost }
            while unsafe PQresultStatus(result) == PGRES_SINGLE_TUPLE {
                for values in unsafe answer(result).rows { row(answers.count, values) }
                unsafe PQclear(result)
                guard let following = unsafe try next(silence) else { throw lost }
                unsafe result = following
            }
            defer { unsafe PQclear(result) }
            switch unsafe PQresultStatus(result) {
            case PGRES_COMMAND_OK, PGRES_TUPLES_OK:
                if let preparation {
                    prepared[preparation.sql] = preparation.name
                } else {
                    answers.append(unsafe answer(result))
                }
            case PGRES_PIPELINE_ABORTED: break
            default:
                let error = unsafe error(of: result)
                if error.isConnectionLost { throw error }
                if failure == nil { failure = error }
            }
            guard unsafe try next(silence) == nil else { throw lost }
        }
        guard let end = unsafe try next(silence) else { throw lost }
        defer { unsafe PQclear(end) }
        guard unsafe PQresultStatus(end) == PGRES_PIPELINE_SYNC else { throw unsafe error(of: end) }
        return PostgresAnswers(answers: answers, failure: failure)
    }

    private func next(_ silence: Duration) throws(PostgresError) -> OpaquePointer? {
        while unsafe PQisBusy(raw) == 1 {
            guard waitUntilReadable(atMost: silence) else { throw PostgresError(.tooSlow, place: place) }
            guard unsafe PQconsumeInput(raw) == 1 else { throw lost }
        }
        return unsafe PQgetResult(raw)
    }

    private func answer(_ result: OpaquePointer) -> PostgresAnswer {
        let columnCount = unsafe PQnfields(result)
        let rows: [[String?]] = unsafe (0..<PQntuples(result)).map { row in
            (0..<columnCount).map { column in
                unsafe PQgetisnull(result, row, column) == 1
                    ? nil : unsafe PQgetvalue(result, row, column).map { unsafe String(cString: $0) }
            }
        }
        return PostgresAnswer(
            rows: rows, count: unsafe Int(PQcmdTuples(result).map { unsafe String(cString: $0) } ?? "") ?? 0)
    }
}

extension PostgresStatement.Parameter {
    /// `int8`, `text`, `bytea`.
    fileprivate var type: Oid {
        switch self {
        case .number: 20
        case .text: 25
        case .bytes: 17
        }
    }

    /// Texts too: by their length, a zero byte in one is refused by the server and does not cut it.
    fileprivate var isBinary: Bool { if case .number = self { false } else { true } }

    /// - Returns: whether it is null.
    fileprivate func append(to storage: inout [UInt8]) -> Bool {
        switch self {
        case .number(let number?): storage += String(number).utf8
        case .text(let text?): storage += text.utf8
        case .bytes(let bytes?): storage += bytes
        case .number(nil), .text(nil), .bytes(nil): return true
        }
        return false
    }
}
