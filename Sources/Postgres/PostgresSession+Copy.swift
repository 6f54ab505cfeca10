internal import CPostgres
internal import Model

/// COPY in both directions. While one runs, nothing else may be asked of the session.
extension PostgresSession {
    /// Starts a COPY to the server.
    package func beginCopyIn(_ sql: String) throws(PostgresError) {
        let result = unsafe PQexec(raw, sql)
        defer { unsafe PQclear(result) }
        guard unsafe PQresultStatus(result) == PGRES_COPY_IN else { throw unsafe error(of: result) }
    }

    /// Bytes of the stream, cut anywhere. What the server refuses is told here or at the end.
    package func sendCopy(_ bytes: UnsafeRawBufferPointer) throws(PostgresError) {
        var sent = 0
        while sent < bytes.count {
            let count = min(bytes.count - sent, 1 << 24)
            let address = unsafe bytes.baseAddress!.assumingMemoryBound(to: CChar.self) + sent
            guard unsafe PQputCopyData(raw, address, Int32(count)) == 1 else { throw failedCopy() }
            sent += count
        }
    }

    /// Ends the stream; how many rows the server took.
    package func endCopyIn() throws(PostgresError) -> Int64 {
        guard unsafe PQputCopyEnd(raw, nil) == 1 else { throw failedCopy() }
        return try finishCopy()
    }

    /// Starts a COPY from the server.
    package func beginCopyOut(_ sql: String) throws(PostgresError) {
        let result = unsafe PQexec(raw, sql)
        defer { unsafe PQclear(result) }
        guard unsafe PQresultStatus(result) == PGRES_COPY_OUT else { throw unsafe error(of: result) }
    }

    /// The next message of the stream, or nil at its end. Its bytes are valid until the next call.
    package func nextCopyMessage() throws(PostgresError) -> UnsafeRawBufferPointer? {
        unsafe PQfreemem(message)
        unsafe message = nil
        var buffer: UnsafeMutablePointer<CChar>?
        let length = unsafe PQgetCopyData(raw, &buffer, 0)
        guard length > 0 else {
            guard length == -1 else { throw failedCopy() }
            _ = try finishCopy()
            return nil
        }
        unsafe message = buffer
        return unsafe UnsafeRawBufferPointer(start: buffer, count: Int(length))
    }

    /// After the last byte: an error can still follow.
    private func finishCopy() throws(PostgresError) -> Int64 {
        let result = unsafe PQgetResult(raw)
        defer { unsafe PQclear(result) }
        guard unsafe PQresultStatus(result) == PGRES_COMMAND_OK else { throw unsafe error(of: result) }
        let rows = unsafe Int64(PQcmdTuples(result).map { unsafe String(cString: $0) } ?? "") ?? 0
        while let next = unsafe PQgetResult(raw) { unsafe PQclear(next) }
        return rows
    }

    private func failedCopy() -> PostgresError {
        // The server's own error, when there is one, waits as a result.
        let result = unsafe PQgetResult(raw)
        defer { unsafe PQclear(result) }
        return unsafe error(of: result)
    }
}
