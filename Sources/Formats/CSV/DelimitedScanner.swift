internal import CKernels
package import Model

/// Reads every file of a source once, before the run: finds records, checks each one's width, infers the types of
/// undeclared columns over all files together, and cuts shards.
///
/// Files are given in their sorted order; the columns' types do not depend on it.
///
/// - Errors: the header's (`malformedRecord` with row 0), the first malformed record unless they are quarantined,
///   `invalidEncoding`, `cellTooLarge`, `brokenStream`; and whatever a file's `ByteSource` throws.
/// - Cost: one pass, one block of memory; every byte of a file passes the `ByteSource`, which may hash it.
package final class DelimitedScanner {
    private let spec: DelimitedSpec
    private let source: String
    private let limits: DelimitedLimits
    private let dialect: DelimitedDialect
    private let nulls: NullTexts

    private var columns: [ScannedColumn] = []
    /// The file whose header is everyone's.
    private var firstFile: String?
    private var files: [DelimitedScan.File] = []
    private var shards: [Shard] = []
    private var malformedCount: Int64 = 0
    private var malformed: [MalformedRecord] = []

    private struct ScannedColumn {
        let name: String
        let declared: DataType?
        var inference = TypeInference()
    }

    /// - Parameter source: its name in the document, for messages that concern no file.
    package init(_ spec: DelimitedSpec, source: String, limits: DelimitedLimits = DelimitedLimits()) throws(FormatError) {
        self.spec = spec
        self.source = source
        self.limits = limits
        dialect = try DelimitedDialect(spec, source: source)
        nulls = NullTexts(spec.nullTexts)
    }

    /// Types that a delimited column can be declared as; the others have no written form here.
    package static func canRead(_ type: DataType) -> Bool {
        switch type {
        case .binary, .list, .structure: false
        default: true
        }
    }

    /// Scans the next file. `file` is its name in messages, metadata and shards; `bytes` gives all of it.
    package func scan(file: String, bytes: any ByteSource) throws {
        let counted = CountedInput(bytes)
        let input = try DelimitedInput(spec, source: counted, file: file, isAtStart: true)
        let reader = RecordReader(input, file: file, dialect: dialect, limits: limits, start: 0, firstRecord: 0)
        try reader.skipLines(spec.skippedLines)
        try takeHeader(reader)

        var cutter = ShardCutter(
            path: file, start: reader.fileOffset, bytesPerShard: input.isSeekable ? limits.bytesPerShard : nil)
        let malformedBefore = malformedCount
        var recordCount: Int64 = 0
        var undecided = columns.indices.filter { columns[$0].declared == nil && !columns[$0].inference.isSettled }
        while try reader.next(fieldCount: columns.count, rowLimit: Int.max) {
            try takeMalformed(reader)
            for index in undecided {
                unsafe columns[index].inference.add(
                    nulls.column(of: reader, field: index, fieldCount: columns.count), of: reader)
            }
            undecided.removeAll { columns[$0].inference.isSettled }
            cutter.take(reader)
            recordCount += Int64(reader.recordCount)
        }
        try counted.drain()
        shards += cutter.finish(end: counted.byteCount, isWhole: !input.isSeekable, after: shards.count)
        files.append(
            DelimitedScan.File(
                path: file, byteCount: counted.byteCount, encoding: input.encoding, isCompressed: input.isCompressed,
                recordCount: recordCount, malformedCount: malformedCount - malformedBefore))
    }

    package func finish() -> DelimitedScan {
        precondition(!files.isEmpty, "a source has a file")
        var encodings: [DelimitedSpec.Encoding] = []
        for file in files where !encodings.contains(file.encoding) { encodings.append(file.encoding) }
        if shards.isEmpty {
            // Somebody has to write the empty part.
            let empty = Shard.Piece.bytes(path: files[0].path, start: files[0].byteCount, end: files[0].byteCount, firstRecord: 0)
            shards = [Shard(index: 0, piece: empty, estimatedRows: 0, estimatedBytes: 0)]
        }
        return DelimitedScan(
            columns: columns.map { column in
                if let declared = column.declared {
                    return InferredColumn(name: column.name, type: declared, reason: "declared", isDeclared: true)
                }
                let (type, reason) = column.inference.conclusion()
                return InferredColumn(name: column.name, type: type, reason: reason, isDeclared: false)
            }, files: files, shards: shards, malformedCount: malformedCount, malformed: malformed,
            dialect: spec.dialectDescription(encodings: encodings, isCompressed: files.contains { $0.isCompressed }))
    }

    private func takeMalformed(_ reader: RecordReader) throws(FormatError) {
        for index in 0..<reader.badCount {
            let record = reader.malformed(index, fieldCount: columns.count)
            if spec.onMalformed == .stop { throw record.error }
            malformedCount += 1
            if malformed.count < limits.listedRecords { malformed.append(record) }
        }
    }

    // MARK: the header

    private func takeHeader(_ reader: RecordReader) throws {
        let file = reader.file
        guard let found = try reader.header(passes: spec.hasHeader) else {
            // Without a header to pass, an empty file is one without records, if the columns are known.
            let isKnown = !spec.names.isEmpty || (!spec.hasHeader && firstFile != nil)
            guard isKnown else {
                throw headerError(file, "the file has no header", remedy: "give the columns' `names:`")
            }
            if firstFile == nil { try setColumns(spec.names, file: file) }
            return
        }
        let names: [String]
        if !spec.names.isEmpty {
            guard !spec.hasHeader || found.count == spec.names.count else {
                throw headerError(
                    file, "the header has \(found.count) fields, `names:` \(spec.names.count)",
                    remedy: "name every column of the file")
            }
            names = spec.names
        } else if spec.hasHeader {
            names = found
        } else {
            names = (1...found.count).map { "column_\($0)" }
        }
        guard let firstFile else { return try setColumns(names, file: file) }
        if let different = firstDifference(names, columns.map(\.name)), spec.hasHeader {
            throw headerError(
                file, "the header differs from that of \(firstFile) at field \(different + 1)",
                remedy: "read files of different shape as different sources")
        }
    }

    private func firstDifference(_ a: [String], _ b: [String]) -> Int? {
        if let index = zip(a, b).enumerated().first(where: { $0.element.0 != $0.element.1 })?.offset { return index }
        return a.count == b.count ? nil : min(a.count, b.count)
    }

    private func setColumns(_ names: [String], file: String) throws(FormatError) {
        let remedy = "give the columns' `names:`"
        var places: [String: Int] = [:]
        for (index, name) in names.enumerated() {
            if name.isEmpty { throw headerError(file, "column \(index + 1) has no name", remedy: remedy) }
            if let other = places.updateValue(index, forKey: name) {
                throw headerError(
                    file, "columns \(other + 1) and \(index + 1) have the same name", column: name, remedy: remedy)
            }
        }
        var declared: [String: DataType] = [:]
        for type in spec.types {
            guard places[type.column] != nil else {
                throw headerError(
                    file, "a type is declared for a column that the file does not have", column: type.column,
                    remedy: NearestWord.find(type.column, among: names).map { "did you mean `\($0)`?" })
            }
            guard Self.canRead(type.type) else {
                throw headerError(
                    file, "a delimited column cannot be read as \(type.type)", column: type.column,
                    remedy: "declare it as text")
            }
            declared[type.column] = type.type
        }
        columns = names.map { ScannedColumn(name: $0, declared: declared[$0]) }
        firstFile = file
    }

    private func headerError(_ file: String, _ reason: String, column: String? = nil, remedy: String?) -> FormatError {
        FormatError(.malformedRecord, column: column, row: 0, file: file, reason: reason, remedy: remedy)
    }
}

/// Cuts one file into shards where records end.
struct ShardCutter {
    private let path: String
    private let bytesPerShard: Int?
    private var pieces: [(start: Int64, end: Int64, firstRecord: Int64, records: Int64)] = []
    private var start: Int64
    private var firstRecord: Int64 = 0
    private var nextRecord: Int64 = 0

    /// - Parameter bytesPerShard: nil: do not cut.
    init(path: String, start: Int64, bytesPerShard: Int?) {
        self.path = path
        self.start = start
        self.bytesPerShard = bytesPerShard
    }

    mutating func take(_ batch: RecordReader) {
        if let bytesPerShard, batch.batchEnd - start >= Int64(bytesPerShard) {
            batch.forEachRowEnd { row, end in
                guard end - start >= Int64(bytesPerShard) else { return }
                cut(at: end, after: batch.number(ofRow: row))
            }
        }
        nextRecord = batch.recordNumber + Int64(batch.recordCount)
    }

    private mutating func cut(at end: Int64, after record: Int64) {
        pieces.append((start, end, firstRecord, record - firstRecord))
        start = end
        firstRecord = record
    }

    /// - Parameters:
    ///   - isWhole: the file is one shard from its first byte to its last.
    ///   - count: shards of files before this one.
    mutating func finish(end: Int64, isWhole: Bool, after count: Int) -> [Shard] {
        if isWhole { start = 0 }
        if nextRecord > firstRecord {
            cut(at: end, after: nextRecord)
        } else if !pieces.isEmpty {
            // Blank lines and comments at the end.
            pieces[pieces.count - 1].end = end
        }
        return pieces.enumerated().map { index, piece in
            Shard(
                index: count + index,
                piece: .bytes(path: path, start: piece.start, end: piece.end, firstRecord: piece.firstRecord),
                estimatedRows: piece.records, estimatedBytes: piece.end - piece.start)
        }
    }
}
