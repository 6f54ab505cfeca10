internal import Columnar
internal import Formats
internal import Model
internal import Transform

/// A table's rules bound to its source's columns: how each column is read, and what is done to it.
struct TableBinding: Sendable {
    struct Input: Sendable {
        let column: SourceColumn
        let type: DataType
        /// For PostgreSQL: how it is selected and decoded.
        let postgres: PostgresColumnMapping?
        let nullsSpecials: Bool
    }

    /// All columns of the source, in its order.
    let inputs: [Input]
    /// Indices of the inputs that are read at all. A dropped column never leaves its source.
    let required: [Int]
    let transform: TableTransform
    /// The output columns, with how their source's type was mapped.
    let columns: [ColumnPlan]

    /// - Parameter estimatedRows: below 0: not known.
    /// - Returns: nil when there was an error; all of them are in `problems`.
    static func bind(
        _ table: TableSpec, columns sourceColumns: [SourceColumn], keys: KeyRing, estimatedRows: Int64,
        baseDirectory: String, into problems: inout ProblemList
    ) -> TableBinding? {
        var refused: [Int: String] = [:]
        var hasRefusal = false
        let readings = table.columns.map { (rule: $0, reading: PolicyCompiler.reading(of: $0)) }
        let first = Dictionary(
            readings.filter { !$0.reading.isDropped }.map { ($0.reading.sourceColumn, $0) },
            uniquingKeysWith: { first, _ in first })
        let inputs = sourceColumns.enumerated().map { index, column in
            let rule = first[column.name]?.rule
            switch map(column, first[column.name]?.reading.readAs ?? ReadAs()) {
            case .success(let input): return input
            case .failure(let refusal):
                if let rule {
                    hasRefusal = true
                    problems.error(
                        rule.position,
                        found:
                            "table \"\(table.name)\", column \"\(column.name)\" of type \(column.native): \(refusal.reason)",
                        expected: refusal.waysOut.isEmpty
                            ? "another type" : (refusal.waysOut + ["drop"]).map { "`\($0)`" }.joined(separator: " or "))
                } else {
                    refused[index] = refusal.reason
                }
                return Input(column: column, type: .text, postgres: nil, nullsSpecials: false)
            }
        }
        let identities = PolicyCompiler.identities(of: table)
        let transform = PolicyCompiler.compile(
            table: table,
            inputs: inputs.map {
                InputColumn(
                    name: $0.column.name, type: $0.type, nativeName: $0.column.native.description,
                    isUnique: $0.column.isUnique,
                    isTextForIdentity: $0.column.native == .delimited(type: .text)
                        && identities.contains($0.column.name))
            }, keys: keys, estimatedRows: estimatedRows, baseDirectory: baseDirectory, into: &problems)
        guard let transform, !hasRefusal else { return nil }
        for index in transform.requiredInputs {
            guard let reason = refused[index] else { continue }
            problems.error(
                table.position, found: "table \"\(table.name)\", column \"\(inputs[index].column.name)\": \(reason)",
                expected: "a column that can be read, for the rule that refers to it")
            return nil
        }
        guard !transform.columns.isEmpty else {
            problems.error(
                table.position, found: "table \"\(table.name)\" publishes no column", expected: "at least one column")
            return nil
        }
        let notes = Dictionary(
            inputs.map { ($0.column.name, $0.postgres?.note) }, uniquingKeysWith: { first, _ in first })
        let columns = transform.columns.map { column in
            var column = column
            column.mapping = column.mapping ?? column.sourceColumn.flatMap { notes[$0] ?? nil }
            return column
        }
        return TableBinding(inputs: inputs, required: transform.requiredInputs, transform: transform, columns: columns)
    }

    func type(ofInput name: String) -> DataType? { inputs.first { $0.column.name == name }?.type }

    private static func map(_ column: SourceColumn, _ readAs: ReadAs) -> Result<Input, PostgresRefusal> {
        switch column.native {
        case .delimited(let type):
            let wanted = readAs.type.flatMap { DelimitedScanner.canRead($0) ? $0 : nil }
            return .success(
                Input(column: column, type: wanted ?? type, postgres: nil, nullsSpecials: readAs.nullsSpecials))
        case .postgres:
            return PostgresMapping.map(column: column, as: readAs).flatMapError { refusal in
                // A cast that the source does not do exactly is a step of the rule, on the column as it is.
                guard readAs.type != nil else { return .failure(refusal) }
                return PostgresMapping.map(column: column, as: ReadAs(nullsSpecials: readAs.nullsSpecials))
            }.map {
                Input(column: column, type: $0.type, postgres: $0, nullsSpecials: readAs.nullsSpecials)
            }
        }
    }

    /// A chunk of the required columns as one of all inputs; the others are never looked at.
    func widened(_ chunk: Chunk) -> Chunk {
        guard required.count < inputs.count else { return chunk }
        let blank = Column(nulls: chunk.rowCount, type: .boolean)
        var columns = [Column](repeating: blank, count: inputs.count)
        for (index, input) in required.enumerated() { columns[input] = chunk.columns[index] }
        return Chunk(columns: columns, rowCount: chunk.rowCount, firstRow: chunk.firstRow)
    }
}
