package import Columnar
package import Model

/// Reads a Parquet file that `ParquetWriter` wrote, as chunks.
///
/// Every data type, nesting, codec and encoding of the writer; checksums of pages are compared. Whatever the writer does
/// not write is refused (`unsupportedForm`), whatever contradicts itself is refused (`brokenStream`): a damaged or hostile
/// file ends in an error, not in a trap. Names are those of the file; whether a column was protected is not in it.
///
/// - Shape: rows in order; chunks of at most `Limits.rowsPerChunk` rows, handed on at about `Limits.bytesPerChunk`. A chunk
///   does not reach over the end of a row group. Which rows meet in a chunk depends on the file and the columns alone.
/// - Nulls: as they were written.
/// - Throws: `FormatError`, naming the column, and what the file throws. The reader is then of no further use.
/// - Memory: per leaf asked for a page, what is read ahead (a mebibyte), a dictionary, and the chunk being built.
/// - Cost: the footer at the start; then only the bytes of the columns asked for, in order.
package final class ParquetReader {
    private static let rowsPerStep = 4096

    /// The columns of the chunks, in their order.
    package let fields: [Field]
    package let rowCount: Int64

    private let description: ParquetFileDescription
    /// Index of each chunk column in the file.
    private let chosen: [Int]
    /// The file's leaves; nil where nobody asked for them.
    private let leaves: [ParquetLeafReader?]
    private let assembly: ParquetAssembly
    private var nextRowGroup = 0
    private var rowsLeftInGroup = 0
    private var bytesPerRow = 1
    private var rowsRead: Int64 = 0

    /// - Parameter columns: names of the columns to read, in the order wanted; nil: all in the file's order.
    package init(_ file: any ByteRange, columns: [String]? = nil) throws {
        description = try ParquetFileDescription(file)
        rowCount = description.rowCount
        chosen = try Self.indexes(of: columns, in: description.fields)
        fields = chosen.map { [description] in description.fields[$0] }
        let decompressor = BlockDecompressor()
        var leaves = [ParquetLeafReader?](repeating: nil, count: description.schema.leaves.count)
        for index in chosen {
            for (leaf, levels) in description.schema.nodes[index].elementLevels() {
                leaves[leaf] = ParquetLeafReader(
                    shape: description.schema.leaves[leaf], elementLevels: levels, file: file,
                    decompressor: decompressor)
            }
        }
        self.leaves = leaves
        assembly = ParquetAssembly(leaves: leaves)
    }

    private static func indexes(of columns: [String]?, in fields: [Field]) throws(FormatError) -> [Int] {
        guard let columns else { return Array(fields.indices) }
        guard !columns.isEmpty else {
            throw FormatError(
                .unsupportedForm, reason: "no column is asked for", remedy: "name one, or none to get all")
        }
        var indexes: [Int] = []
        for name in columns {
            guard let index = fields.firstIndex(where: { $0.name == name }) else {
                throw FormatError(
                    .unsupportedForm, column: name, reason: "the Parquet file has no such column",
                    remedy: "its columns are \(fields.map(\.name).joined(separator: ", "))")
            }
            guard !indexes.contains(index) else {
                throw FormatError(
                    .unsupportedForm, column: name, reason: "a column is asked for twice", remedy: "name it once")
            }
            indexes.append(index)
        }
        return indexes
    }

    /// The next chunk, with one row at least; nil at the end.
    package func next() throws -> Chunk? {
        while rowsLeftInGroup == 0 {
            guard nextRowGroup < description.rowGroups.count else { return nil }
            try beginRowGroup(description.rowGroups[nextRowGroup])
        }
        let most = min(Limits.rowsPerChunk, rowsLeftInGroup)
        var (rows, bytes) = (0, 0)
        while rows < most {
            let room = (Limits.bytesPerChunk - bytes) / bytesPerRow
            guard room > 0 || rows == 0 else { break }
            let step = min(max(room, 1), Self.rowsPerStep, most - rows)
            for case let leaf? in leaves { try leaf.read(rows: step) }
            rows += step
            bytes = leaves.reduce(0) { $0 + ($1?.heldByteCount ?? 0) }
            bytesPerRow = max(bytes / rows, 1)
        }
        rowsLeftInGroup -= rows
        let chunk = try assemble(rows)
        if rowsLeftInGroup == 0 {
            for case let leaf? in leaves { try leaf.end() }
        }
        return chunk
    }

    private func beginRowGroup(_ group: ParquetRowGroup) throws {
        nextRowGroup += 1
        rowsLeftInGroup = group.rowCount
        guard group.rowCount > 0 else { return }
        bytesPerRow = max(group.uncompressedByteCount / group.rowCount, 1)
        for (leaf, place) in zip(leaves, group.chunks) { try leaf?.begin(place) }
    }

    private func assemble(_ rows: Int) throws(FormatError) -> Chunk {
        var columns: [Column] = []
        for (index, field) in zip(chosen, fields) {
            columns.append(try assembly.column(description.schema.nodes[index], field.type))
        }
        for leaf in leaves { leaf?.reset() }
        defer { rowsRead += Int64(rows) }
        return Chunk(columns: columns, rowCount: rows, firstRow: rowsRead)
    }
}
