import Model

/// What the columns of a source are called and declared as: by its first file's header or by the document.
struct DelimitedHeader: Sendable {
    struct Column: Sendable {
        let name: String
        let declared: DataType?
    }

    let columns: [Column]
    private let spec: DelimitedSpec
    /// The file whose header is everyone's.
    private let file: String

    /// - Parameters:
    ///   - reader: of the first file, at its header.
    ///   - named: the columns that the document names; nil: whatever the first record holds are names.
    init(_ spec: DelimitedSpec, _ reader: RecordReader, named: Set<String>?) throws {
        self.spec = spec
        file = reader.file
        // Without a header to pass, an empty file is one without records, if the columns are known.
        guard let names = try Self.names(spec, reader) ?? (spec.names.isEmpty ? nil : spec.names) else {
            throw Self.noHeader(reader.file)
        }
        if let index = names.firstIndex(of: "") {
            throw Self.error(file, "column \(index + 1) has no name", remedy: Self.giveNames)
        }
        if let named, spec.hasHeader, spec.names.isEmpty { try Self.check(names, named, file: file) }
        columns = try Self.columns(names, spec, file: file)
    }

    /// A record of data that is taken for the header would be told in messages, as names.
    private static func check(_ names: [String], _ named: Set<String>, file: String) throws(FormatError) {
        guard let odd = HeaderName.oddPlaces(names, named: named) else { return }
        let listed = odd.prefix(10).map(String.init).joined(separator: ", ") + (odd.count > 10 ? ", …" : "")
        let why =
            odd.count == names.count
            ? "the document names none of the first record's fields"
            : "the document does not name what stands in place \(listed) of \(names.count), which is not written like a name"
        throw error(
            file, "the file seems to have no header",
            remedy:
                "set header: false and give the columns' `names:`, or name the header's columns in the document (\(why))"
        )
    }

    /// Reads a file as far as its first record.
    ///
    /// - Throws: when its header is not the first file's.
    func pass(_ reader: RecordReader) throws {
        guard let names = try Self.names(spec, reader) else {
            guard !spec.names.isEmpty || !spec.hasHeader else { throw Self.noHeader(reader.file) }
            return
        }
        if let different = Self.firstDifference(names, columns.map(\.name)), spec.hasHeader {
            throw Self.error(
                reader.file, "the header differs from that of \(file) at field \(different + 1)",
                remedy: "read files of different shape as different sources")
        }
    }

    /// nil: the file has no record at all.
    private static func names(_ spec: DelimitedSpec, _ reader: RecordReader) throws -> [String]? {
        guard let found = try reader.header(passes: spec.hasHeader) else { return nil }
        guard spec.names.isEmpty else {
            guard !spec.hasHeader || found.count == spec.names.count else {
                throw error(
                    reader.file, "the header has \(found.count) fields, `names:` \(spec.names.count)",
                    remedy: "name every column of the file")
            }
            return spec.names
        }
        return spec.hasHeader ? found : (1...found.count).map { "column_\($0)" }
    }

    private static func firstDifference(_ a: [String], _ b: [String]) -> Int? {
        if let index = zip(a, b).enumerated().first(where: { $0.element.0 != $0.element.1 })?.offset { return index }
        return a.count == b.count ? nil : min(a.count, b.count)
    }

    private static func columns(_ names: [String], _ spec: DelimitedSpec, file: String) throws(FormatError) -> [Column]
    {
        var places: [String: Int] = [:]
        for (index, name) in names.enumerated() {
            if let other = places.updateValue(index, forKey: name) {
                throw error(file, "columns \(other + 1) and \(index + 1) have the same name", remedy: giveNames)
            }
        }
        var declared: [String: DataType] = [:]
        for type in spec.types {
            guard places[type.column] != nil else {
                throw error(
                    file, "a type is declared for a column that the file does not have", column: type.column,
                    remedy: NearestWord.find(type.column, among: names).map { "did you mean `\($0)`?" })
            }
            guard DelimitedScanner.canRead(type.type) else {
                throw error(
                    file, "a delimited column cannot be read as \(type.type)", column: type.column,
                    remedy: "declare it as text")
            }
            declared[type.column] = type.type
        }
        return names.map { Column(name: $0, declared: declared[$0]) }
    }

    private static let giveNames = "give the columns' `names:`"

    private static func noHeader(_ file: String) -> FormatError {
        error(file, "the file has no header", remedy: giveNames)
    }

    private static func error(_ file: String, _ reason: String, column: String? = nil, remedy: String?) -> FormatError {
        FormatError(.malformedRecord, column: column, row: 0, file: file, reason: reason, remedy: remedy)
    }
}
