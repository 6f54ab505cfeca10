package import Model

/// Why a column is not published as it is, and what its user can write instead.
package struct PostgresRefusal: Error, Hashable, Sendable {
    /// `numeric without precision has no fixed scale`.
    package let reason: String
    /// Rules that work: `{cast: text}`.
    package let waysOut: [String]
}

/// From PostgreSQL's types to published ones, decided per column before any row is read.
///
/// Nothing is changed silently: a type maps to one that holds all its values (the few special values are found while
/// reading), or to PostgreSQL's own text where that is exact and does not depend on settings, or it is refused.
package enum PostgresMapping {
    package static func map(column: SourceColumn, as wish: ReadAs) -> Result<PostgresColumnMapping, PostgresRefusal> {
        guard case .postgres(let type) = column.native else {
            preconditionFailure("a column of a PostgreSQL source has a PostgreSQL type")
        }
        return map(type, as: wish)
    }

    package static func map(_ type: PostgresType, as wish: ReadAs) -> Result<PostgresColumnMapping, PostgresRefusal> {
        guard let wanted = wish.type else { return own(type) }
        if wanted == .text { return .success(text(of: type)) }
        let plain = own(type)
        if case .success(let mapping) = plain, mapping.type == wanted { return plain }
        return cast(type, to: wanted)
    }

    /// Why a table without columns is refused.
    package static let noColumns = PostgresRefusal(
        reason: "the table has no columns, so there is nothing to publish", waysOut: ["leave the table out"])

    // MARK: Casts

    private static func cast(_ type: PostgresType, to wanted: DataType) -> Result<
        PostgresColumnMapping, PostgresRefusal
    > {
        let base = builtin(type.undressed)
        switch (base, wanted) {
        case ("numeric", .decimal(let precision, let scale)):
            // The decoder stops at a value that would have to be rounded.
            return .success(
                .init(
                    type: wanted, note: nil, selection: .plain, decoding: .decimal(precision: precision, scale: scale)))
        case ("numeric", .float64):
            return .success(
                .init(type: wanted, note: "nearest float64", selection: .cast("float8"), decoding: .bits64))
        case ("int2", .int32):
            return .success(.init(type: wanted, note: nil, selection: .cast("int4"), decoding: .bits32))
        case ("int2", .int64), ("int4", .int64):
            return .success(.init(type: wanted, note: nil, selection: .cast("int8"), decoding: .bits64))
        case ("float4", .float64):
            return .success(.init(type: wanted, note: nil, selection: .cast("float8"), decoding: .bits64))
        case ("int2", .decimal(let precision, let scale)), ("int4", .decimal(let precision, let scale)),
            ("int8", .decimal(let precision, let scale)):
            return .success(
                .init(
                    type: wanted, note: nil, selection: .cast("numeric"),
                    decoding: .decimal(precision: precision, scale: scale)))
        default: break
        }
        return .failure(
            PostgresRefusal(
                reason: "\(type.name) cannot be read as \(wanted) without loss", waysOut: casts(of: type, base: base)))
    }

    /// The casts that `cast` and `map` take for a type.
    private static func casts(of type: PostgresType, base: String?) -> [String] {
        let exact =
            switch base {
            case "int2": ["int32", "int64", "decimal(P,S)"]
            case "int4", "int8": (base == "int4" ? ["int64"] : []) + ["decimal(P,S)"]
            case "float4": ["float64"]
            case "numeric": ["decimal(P,S)", "float64"]
            default: [String]()
            }
        return (exact + ["text"]).map { "{cast: \($0)}" }
    }

    // MARK: The type's own mapping

    private static func own(_ type: PostgresType) -> Result<PostgresColumnMapping, PostgresRefusal> {
        switch type {
        case .domain(_, let base, _):
            return own(base)
        case .enumeration:
            return .success(.init(type: .text, note: nil, selection: .plain, decoding: .text))
        case .range:
            return .success(.init(type: .text, note: ownText, selection: .cast("text"), decoding: .text))
        case .scalar(_, let base, let typmod, let extensionName, let name):
            return scalar(
                base, typmod: typmod, extensionName: extensionName, isBuiltin: builtin(type) != nil, name: name)
        case .array(_, let element, let name):
            return array(of: element, name: name)
        case .composite(_, let fields, let name):
            return composite(fields, name: name)
        }
    }

    static let ownText = "PostgreSQL's own text"

    private static func scalar(
        _ base: String, typmod: Int32, extensionName: String?, isBuiltin: Bool, name: String
    ) -> Result<PostgresColumnMapping, PostgresRefusal> {
        func plain(_ type: DataType, _ decoding: PostgresDecoding, note: String? = nil)
            -> Result<PostgresColumnMapping, PostgresRefusal>
        {
            .success(.init(type: type, note: note, selection: .plain, decoding: decoding))
        }
        if let extensionName {
            switch (extensionName, base) {
            case ("citext", "citext"): return plain(.text, .text)
            case ("hstore", "hstore"), ("ltree", "ltree"):
                return .success(.init(type: .text, note: ownText, selection: .cast("text"), decoding: .text))
            default: return unknown(name)
            }
        }
        guard isBuiltin else { return unknown(name) }
        switch base {
        case "bool": return plain(.boolean, .boolean)
        case "int2": return plain(.int16, .int16)
        case "int4": return plain(.int32, .bits32)
        case "int8": return plain(.int64, .bits64)
        case "oid": return plain(.int64, .unsigned)
        case "float4": return plain(.float32, .bits32)
        case "float8": return plain(.float64, .bits64)
        case "numeric": return numeric(typmod: typmod, name: name)
        case "text", "varchar", "bpchar", "name", "json": return plain(.text, .text)
        case "jsonb": return plain(.text, .jsonb)
        case "bytea": return plain(.binary, .binary)
        case "uuid": return plain(.text, .uuid)
        case "date": return plain(.date, .date)
        case "timestamp": return plain(.timestamp(isUTC: false), .timestamp)
        case "timestamptz": return plain(.timestamp(isUTC: true), .timestamp)
        case "time": return plain(.text, .time, note: ownText)
        case "char":
            return .success(.init(type: .text, note: nil, selection: .cast("text"), decoding: .text))
        case "inet":
            return .success(
                .init(type: .text, note: ownText, selection: .output(function: "inet_out"), decoding: .text))
        case "xml":
            // Its binary form names the client's encoding, and its cast the one of whoever wrote it.
            return .success(.init(type: .text, note: nil, selection: .output(function: "xml_out"), decoding: .text))
        case _ where exactTexts.contains(base):
            return .success(.init(type: .text, note: ownText, selection: .cast("text"), decoding: .text))
        case "money":
            return .failure(
                PostgresRefusal(
                    reason:
                        "money has the scale and signs of the server's lc_monetary, which no published type records",
                    waysOut: ["{cast: text}"]))
        default: return unknown(name)
        }
    }

    /// Types whose text is exact and, under the reader's settings, the same on every server.
    private static let exactTexts: Set<String> = [
        "timetz", "interval", "cidr", "macaddr", "macaddr8", "bit", "varbit", "tsvector", "tsquery", "pg_lsn", "tid",
        "xid", "xid8", "cid", "int2vector", "oidvector", "jsonpath", "pg_snapshot", "txid_snapshot",
    ]

    private static func unknown(_ name: String) -> Result<PostgresColumnMapping, PostgresRefusal> {
        .failure(PostgresRefusal(reason: "\(name) has no counterpart among published types", waysOut: ["{cast: text}"]))
    }

    private static func numeric(typmod: Int32, name: String) -> Result<PostgresColumnMapping, PostgresRefusal> {
        guard typmod >= 4 else {
            return .failure(
                PostgresRefusal(
                    reason: "numeric without precision has no fixed scale",
                    waysOut: ["{cast: decimal(38,10)}", "{cast: text}", "{cast: float64}"]))
        }
        let packed = typmod - 4
        let declaredPrecision = Int(packed >> 16 & 0xffff)
        let declaredScale = Int((packed & 0x7ff) ^ 1024) - 1024  // eleven bits, signed
        let (precision, scale) =
            if declaredScale < 0 {
                (declaredPrecision - declaredScale, 0)  // numeric(3,-6): up to nine digits, no fraction
            } else if declaredScale > declaredPrecision {
                (declaredScale, declaredScale)  // numeric(3,5): a fraction that starts with zeros
            } else {
                (declaredPrecision, declaredScale)
            }
        guard precision <= 38 else {
            return .failure(
                PostgresRefusal(
                    reason: "\(name) has more than the 38 digits of a decimal",
                    waysOut: ["{cast: decimal(38,\(min(scale, 10)))}", "{cast: text}", "{cast: float64}"]))
        }
        return .success(
            .init(
                type: .decimal(precision: precision, scale: scale), note: nil, selection: .plain,
                decoding: .decimal(precision: precision, scale: scale)))
    }

    // MARK: Nested types

    private static func array(of element: PostgresType, name: String) -> Result<PostgresColumnMapping, PostgresRefusal>
    {
        switch own(element) {
        case .failure(let refusal):
            return .failure(
                PostgresRefusal(reason: "\(name): elements: \(refusal.reason)", waysOut: ["{cast: text}"]))
        case .success(let mapping):
            let selection: PostgresSelect
            var decoding = mapping.decoding
            switch mapping.selection {
            case .plain: selection = .plain
            case .cast(let type): selection = .cast("\(type)[]")
            case .output(function: "inet_out"):
                // The cast of each element appends the mask that the output function leaves out.
                selection = .cast("text[]")
                decoding = .inetText
            case .row, .output:
                return .failure(
                    PostgresRefusal(
                        reason: "\(name) has elements that the server turns into text one by one only",
                        waysOut: ["{cast: text}"]))
            }
            if case .list = mapping.type, mapping.selection != .plain {
                // An array over a domain over an array: a cast would flatten it.
                return .failure(
                    PostgresRefusal(
                        reason: "\(name) is an array of arrays of a type that only the server can turn into text",
                        waysOut: ["{cast: text}"]))
            }
            return .success(
                .init(
                    type: .list(mapping.type), note: mapping.note.map { "elements: \($0)" }, selection: selection,
                    decoding: .list(decoding)))
        }
    }

    private static func composite(_ fields: [PostgresField], name: String) -> Result<
        PostgresColumnMapping, PostgresRefusal
    > {
        guard !fields.isEmpty else {
            return .failure(PostgresRefusal(reason: "\(name) is a row type without members", waysOut: ["{cast: text}"]))
        }
        var members: [(field: PostgresField, mapping: PostgresColumnMapping)] = []
        for field in fields {
            switch own(field.type) {
            case .success(let mapping): members.append((field, mapping))
            case .failure(let refusal):
                return .failure(
                    PostgresRefusal(
                        reason: "\(name): member \"\(field.name)\": \(refusal.reason)", waysOut: ["{cast: text}"]))
            }
        }
        let isPlain = members.allSatisfy { $0.mapping.selection == .plain }
        return .success(
            .init(
                type: .structure(members.map { Field(name: $0.field.name, type: $0.mapping.type) }),
                note: isPlain ? nil : "members without counterpart: \(ownText)",
                selection: isPlain ? .plain : .row(members.map { ($0.field.name, $0.mapping.selection) }),
                decoding: .structure(members.map(\.mapping.decoding))))
    }

    // MARK: Text

    /// Any type as the text that PostgreSQL prints for it.
    private static func text(of type: PostgresType) -> PostgresColumnMapping {
        let selection: PostgresSelect =
            switch builtin(type.undressed) {
            // The cast would cut the padding off that the value has.
            case "bpchar", "text", "varchar", "name", "json": .plain
            case "inet": .output(function: "inet_out")
            case "xml": .output(function: "xml_out")
            default: .cast("text")
            }
        return PostgresColumnMapping(type: .text, note: ownText, selection: selection, decoding: .text)
    }

    /// The `typname` of a type of the server itself, or nil. Its oids are below 16384 and the same on every server.
    private static func builtin(_ type: PostgresType) -> String? {
        if case .scalar(let oid, let base, _, nil, _) = type, oid < 16384 { base } else { nil }
    }
}

extension PostgresType {
    /// The type below all domains.
    var undressed: PostgresType {
        if case .domain(_, let base, _) = self { base.undressed } else { self }
    }
}
