import Formats
import Foundation
import Model
import ModuleStore

/// Rows of a published table on standard output, for programs that read neither Parquet nor this store.
struct CatAction: StoreAction {
    static let name = "cat"
    static let usage = "cat NAME[@VERSION] --table TABLE [--format arrow|csv|jsonl]"
    static let options: Set<String> = ["--table", "--format", "--columns", "--rows"]

    func run(_ session: StoreSession) throws {
        try session.checkWords(1...1)
        let (module, version) = try session.versionNamed(session.words[0])
        guard try !session.store.isWithdrawn(module: module, version: version) else {
            throw Stop(.wrongDocument, "\(module)@\(version) is withdrawn; its rows are gone")
        }
        let record = try session.store.record(module: module, version: version)
        let table = try table(session, record)
        let format = try format(session)
        if format == .arrow, isatty(1) == 1 {
            throw Stop(
                .wrongDocument,
                "arrow is no text for a terminal; redirect it to a file or a program, or use --format csv")
        }
        let parts = try VersionParts(store: session.store, record: record).files(of: table)
        guard !parts.isEmpty else {
            throw Stop(
                .wrongDocument, "the table \(table) of \(module)@\(version) has no parts, so no rows and no columns")
        }
        let output = StandardOutput()
        do {
            _ = try TableExport.write(
                parts: parts, format: format, into: output, columns: session.options.columns,
                limit: session.options.rows)
            try output.flush()
        } catch {
            // Whoever reads has enough.
            if output.isClosed { return }
            if let refusal = output.refusal { throw refusal }
            guard let error = error as? FormatError else { throw error }
            let subject = error.column.map { "column \($0): " } ?? ""
            throw Stop(error.code == .unsupportedForm ? .wrongDocument : .checkFailed, subject + error.reason)
        }
    }

    private func table(_ session: StoreSession, _ record: CommitRecord) throws -> String {
        let names = record.tables.map(\.name)
        guard let wanted = session.options.table ?? (names.count == 1 ? names[0] : nil) else {
            throw Stop(
                .wrongDocument, "cat needs a table: --table, one of \(names.joined(separator: ", "))")
        }
        let identifier = ModuleLayout.identifier(wanted)
        guard names.contains(identifier) else {
            throw Stop(
                .wrongDocument,
                "no table \"\(wanted)\" in \(record.module)@\(record.version); expected one of \(names.joined(separator: ", "))"
                    + (NearestWord.find(wanted, among: names).map { "; did you mean \"\($0)\"?" } ?? ""))
        }
        return identifier
    }

    private func format(_ session: StoreSession) throws -> ExportFormat {
        guard let word = session.options.format else { return .csv }
        if let format = ExportFormat(rawValue: word) { return format }
        let words = ExportFormat.allCases.map(\.rawValue)
        throw Stop(
            .wrongDocument,
            "unknown format \"\(word)\"; expected one of \(words.joined(separator: ", "))"
                + (NearestWord.find(word, among: words).map { "; did you mean \"\($0)\"?" } ?? ""))
    }
}

/// Standard output in large pieces.
private final class StandardOutput: ByteSink {
    /// The reader has gone.
    private(set) var isClosed = false
    /// Why nothing more can be written. The writers of formats do not pass it on.
    private(set) var refusal: Stop?
    private var buffer: [UInt8] = []
    private static let pieceByteCount = 256 << 10

    init() {
        buffer.reserveCapacity(2 * Self.pieceByteCount)
        // A reader that leaves is an error of write(2), not a signal.
        signal(SIGPIPE, SIG_IGN)
    }

    func write(_ bytes: UnsafeRawBufferPointer) throws {
        unsafe buffer.append(contentsOf: bytes)
        if buffer.count >= Self.pieceByteCount { try flush() }
    }

    func flush() throws {
        var done = 0
        while done < buffer.count {
            let count = unsafe buffer[done...].withUnsafeBytes { unsafe Glibc.write(1, $0.baseAddress, $0.count) }
            if count < 0 {
                if errno == EINTR { continue }
                isClosed = errno == EPIPE
                let refusal = Stop(.failed, "standard output cannot be written (errno \(errno))")
                self.refusal = refusal
                throw refusal
            }
            done += count
        }
        buffer.removeAll(keepingCapacity: true)
    }
}
