package import Model

/// How one source column is selected, decoded and published.
package struct PostgresColumnMapping: Hashable, Sendable {
    package let type: DataType
    /// The server turns the value into text: `(col)::text`.
    package let asText: Bool
    /// What plan and metadata say of a mapping that is not plain: `PostgreSQL's own text`.
    package let note: String?
    let selection: PostgresSelect
    let decoding: PostgresDecoding

    init(type: DataType, note: String?, selection: PostgresSelect, decoding: PostgresDecoding) {
        self.type = type
        self.note = note
        self.selection = selection
        self.decoding = decoding
        self.asText =
            switch selection {
            case .cast("text"), .output: true
            default: false
            }
    }

    /// The item of a select list that gives this column: `"birth"`, `("span")::text`.
    package func expression(column: String) -> String {
        selection.expression(PostgresName.quoted(column))
    }
}

/// What the server does to a value before it sends it.
indirect enum PostgresSelect: Hashable, Sendable {
    case plain
    /// A cast to a type of `pg_catalog`.
    case cast(String)
    /// The type's output function, for types whose cast to text prints something else.
    case output(function: String)
    /// A composite rebuilt member by member; NULL stays NULL, a row of nulls stays a row.
    case row([(name: String, select: PostgresSelect)])

    func expression(_ value: String) -> String {
        switch self {
        case .plain: value
        case .cast(let type): "(\(value))::pg_catalog.\(type)"
        case .output(let function): "pg_catalog.textin(pg_catalog.\(function)(\(value)))"
        case .row(let members):
            // `IS NOT DISTINCT FROM NULL` looks at the row itself, `IS NULL` at its members.
            "CASE WHEN \(value) IS NOT DISTINCT FROM NULL THEN NULL ELSE ROW("
                + members.map { $0.select.expression("(\(value)).\(PostgresName.quoted($0.name))") }
                .joined(separator: ", ") + ") END"
        }
    }

    static func == (a: Self, b: Self) -> Bool {
        switch (a, b) {
        case (.plain, .plain): true
        case (.output(let a), .output(let b)): a == b
        case (.cast(let a), .cast(let b)): a == b
        case (.row(let a), .row(let b)):
            a.count == b.count && zip(a, b).allSatisfy { $0.name == $1.name && $0.select == $1.select }
        default: false
        }
    }

    func hash(into hasher: inout Hasher) {
        switch self {
        case .plain: hasher.combine(0)
        case .cast(let type): hasher.combine(type)
        case .output(let function): hasher.combine(function)
        case .row(let members):
            for member in members {
                hasher.combine(member.name)
                hasher.combine(member.select)
            }
        }
    }
}

/// What the bytes of a field are, one case a decoder of the kernel.
indirect enum PostgresDecoding: Hashable, Sendable {
    case boolean, int16, bits32, bits64, unsigned, text, jsonb, binary, uuid, date, timestamp, time, inetText
    case decimal(precision: Int, scale: Int)
    case list(PostgresDecoding)
    case structure([PostgresDecoding])
}
