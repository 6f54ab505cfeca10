package import Model

/// Reads every file of a source once, before the run: finds records, checks each one's width, infers the types of
/// undeclared columns over all files together, and cuts shards.
///
/// The first file says what the columns are. Then each file is scanned for itself, in any order, several at a time, and
/// the scans are joined in the files' sorted order; what comes of it does not depend on which was done first.
///
/// - Errors: the header's (`malformedRecord` with row 0), the first malformed record of a file unless they are
///   dropped, and always one that may hide others, `invalidEncoding`, `cellTooLarge`, `brokenStream`; and whatever a file's `ByteSource` throws.
/// - Cost: one pass and the first file's first block once more; one block of memory a file that is being scanned; every
///   byte of a file passes the `ByteSource`, which may hash it.
package struct DelimitedScanner: Sendable {
    private let spec: DelimitedSpec
    private let limits: DelimitedLimits
    private let dialect: DelimitedDialect
    private let header: DelimitedHeader

    /// - Parameters:
    ///   - source: its name in the document, for messages that concern no file.
    ///   - file: the first file's name in messages.
    ///   - bytes: the first file from its start; read as far as its first record.
    ///   - named: the columns that the document names: what tells a header from data (`HeaderName`). nil: not to be told.
    package init(
        _ spec: DelimitedSpec, source: String, limits: DelimitedLimits = DelimitedLimits(), first file: String,
        bytes: any ByteSource, named: Set<String>? = nil
    ) throws {
        self.spec = spec
        self.limits = limits
        dialect = try DelimitedDialect(spec, source: source)
        let input = try DelimitedInput(spec, source: bytes, file: file, isAtStart: true)
        header = try DelimitedHeader(spec, Self.reader(input, file, spec, dialect, limits), named: named)
    }

    /// Types that a delimited column can be declared as; the others have no written form here.
    package static func canRead(_ type: DataType) -> Bool {
        switch type {
        case .binary, .list, .structure: false
        default: true
        }
    }

    /// Scans a file. `file` is its name in messages, metadata and shards; `bytes` gives all of it, and `digests` sees
    /// what it gives.
    package func scan(
        file: String, bytes: any ByteSource, digests: (any RangeDigesting)? = nil
    ) throws -> DelimitedFileScan {
        let counted = CountedInput(bytes)
        let input = try DelimitedInput(spec, source: counted, file: file, isAtStart: true)
        let reader = try Self.reader(input, file, spec, dialect, limits)
        try header.pass(reader)

        let nulls = NullTexts(spec.nullTexts)
        let fieldCount = header.columns.count
        // A shard from a file's middle does not see how its first record ends.
        let isCut = input.isSeekable && !reader.endsWithLoneCR
        var cutter = ShardCutter(
            path: file, start: isCut ? reader.fileOffset : 0, bytesPerShard: isCut ? limits.bytesPerShard : nil,
            digests: digests)
        var inferences = header.columns.map { _ in TypeInference() }
        var undecided = header.columns.indices.filter { header.columns[$0].declared == nil }
        var recordCount: Int64 = 0
        var malformedCount: Int64 = 0
        var malformed: [MalformedRecord] = []
        while try reader.next(fieldCount: fieldCount, rowLimit: Int.max) {
            for index in 0..<reader.badCount {
                let record = reader.malformed(index, fieldCount: fieldCount)
                if spec.onMalformed == .stop || !record.mayBeDropped { throw record.error }
                malformedCount += 1
                if malformed.count < limits.listedRecords { malformed.append(record) }
            }
            for index in undecided {
                unsafe inferences[index].add(
                    nulls.column(of: reader, field: index, fieldCount: fieldCount), of: reader)
            }
            undecided.removeAll { inferences[$0].isSettled }
            cutter.take(reader)
            recordCount += Int64(reader.recordCount)
        }
        try counted.drain()
        return DelimitedFileScan(
            file: DelimitedScan.File(
                path: file, byteCount: counted.byteCount, encoding: input.encoding, isCompressed: input.isCompressed,
                recordCount: recordCount, malformedCount: malformedCount),
            inferences: inferences, shards: cutter.finish(end: counted.byteCount),
            malformed: malformed)
    }

    /// What the scans of all files say together. `scans`: at least one, in the order of the files.
    package func join(_ scans: [DelimitedFileScan]) -> DelimitedScan {
        precondition(!scans.isEmpty, "a source has a file")
        let files = scans.map(\.file)
        var encodings: [DelimitedSpec.Encoding] = []
        for file in files where !encodings.contains(file.encoding) { encodings.append(file.encoding) }
        return DelimitedScan(
            columns: header.columns.enumerated().map { index, column in
                if let declared = column.declared {
                    return InferredColumn(name: column.name, type: declared, reason: "declared", isDeclared: true)
                }
                var inference = TypeInference()
                for scan in scans { inference.add(scan.inferences[index]) }
                let (type, reason) = inference.conclusion()
                return InferredColumn(
                    name: column.name, type: type, reason: "inferred: \(reason)", isDeclared: false,
                    hasValues: inference.hasValues)
            }, files: files, shards: Self.numbered(scans), malformedCount: files.reduce(0) { $0 + $1.malformedCount },
            malformed: Array(scans.flatMap(\.malformed).prefix(limits.listedRecords)),
            dialect: spec.dialectDescription(encodings: encodings, isCompressed: files.contains { $0.isCompressed }))
    }

    private static func numbered(_ scans: [DelimitedFileScan]) -> [Shard] {
        let shards = scans.flatMap(\.shards).enumerated().map { index, shard in
            Shard(
                index: index, piece: shard.piece, estimatedRows: shard.estimatedRows,
                estimatedBytes: shard.estimatedBytes)
        }
        guard shards.isEmpty else { return shards }
        // Somebody has to write the empty part.
        let end = scans[0].file.byteCount
        let empty = Shard.Piece.bytes(
            path: scans[0].file.path, start: end, end: end, firstRecord: 0, sha256: SHA256.hexadecimal(""))
        return [Shard(index: 0, piece: empty, estimatedRows: 0, estimatedBytes: 0)]
    }

    /// At the file's header, or at its first record where it has none.
    private static func reader(
        _ input: DelimitedInput, _ file: String, _ spec: DelimitedSpec, _ dialect: DelimitedDialect,
        _ limits: DelimitedLimits
    ) throws -> RecordReader {
        let reader = RecordReader(input, file: file, dialect: dialect, limits: limits, start: 0, firstRecord: 0)
        try reader.skipLines(spec.skippedLines)
        try reader.learnLineEnds()
        return reader
    }
}

/// What one file says, before it is known what the others say.
package struct DelimitedFileScan: Sendable {
    let file: DelimitedScan.File
    /// One a column; of a declared one nothing was looked at.
    let inferences: [TypeInference]
    /// Counted from 0; none of a file without records.
    let shards: [Shard]
    /// The first of them.
    let malformed: [MalformedRecord]
}
