internal import Model

/// One `SchemaElement` of a footer as it stands there.
struct ParquetSchemaElement {
    /// The union `LogicalType`, as far as this reader knows it.
    enum Logical: Equatable {
        case text
        case list
        case decimal(precision: Int, scale: Int)
        case date
        case timestamp(isUTC: Bool)
        case integer(bits: Int, isSigned: Bool)
        /// Its number in the union: a type, or a form of one, that is not written here.
        case other(Int)
    }

    var physical: Int?
    var width: Int?
    /// 0 required, 1 optional, 2 repeated.
    var repetition: Int?
    var name = ""
    var childCount: Int?
    var converted: Int?
    var scale: Int?
    var precision: Int?
    var logical: Logical?

    init(_ reader: inout ThriftReader) throws(ThriftReader.Fault) {
        var element = Self()
        try reader.structure { (reader, field) throws(ThriftReader.Fault) in
            switch field.number {
            case 1: element.physical = try reader.integer(of: field, .int32)
            case 2: element.width = try reader.integer(of: field, .int32)
            case 3: element.repetition = try reader.integer(of: field, .int32)
            case 4: element.name = try reader.string(of: field)
            case 5: element.childCount = try reader.integer(of: field, .int32)
            case 6: element.converted = try reader.integer(of: field, .int32)
            case 7: element.scale = try reader.integer(of: field, .int32)
            case 8: element.precision = try reader.integer(of: field, .int32)
            case 10: element.logical = try Self.logical(&reader, field)
            default: try reader.skip(field)
            }
        }
        self = element
    }

    private init() {}

    private static func logical(
        _ reader: inout ThriftReader, _ outer: ThriftReader.Header
    ) throws(ThriftReader.Fault) -> Logical? {
        var logical: Logical?
        try reader.structure(of: outer) { (reader, field) throws(ThriftReader.Fault) in
            // A union has one member.
            guard logical == nil else { throw ThriftReader.Fault() }
            var numbers: [Int: Int] = [:]
            var unit: Int?
            try reader.structure(of: field) { (reader, member) throws(ThriftReader.Fault) in
                switch member.kind {
                case .yes, .no: numbers[member.number] = member.kind == .yes ? 1 : 0
                case .int8, .int32: numbers[member.number] = try reader.integer(of: member, member.kind)
                case .structure:
                    // The unit of a timestamp is a union of empty structures.
                    try reader.structure { (reader, inner) throws(ThriftReader.Fault) in
                        unit = inner.number
                        try reader.skip(inner)
                    }
                default: try reader.skip(member)
                }
            }
            logical =
                switch field.number {
                case 1: .text
                case 3: .list
                case 5: .decimal(precision: numbers[2] ?? -1, scale: numbers[1] ?? -1)
                case 6: .date
                case 8 where unit == 2: .timestamp(isUTC: numbers[1] == 1)
                case 10: .integer(bits: numbers[1] ?? 0, isSigned: numbers[2] == 1)
                default: .other(field.number)
                }
        }
        return logical
    }
}

/// Rebuilds columns from the elements of a schema: exactly the types that `ParquetSchema` writes, and nothing near them.
struct ParquetSchemaReader {
    /// A list takes two definition levels, which are a byte.
    private static let depthLimit = 60

    private let elements: [ParquetSchemaElement]
    private var next = 0

    /// The columns of a file. Throws `unsupportedForm`, naming the column, or `brokenStream`.
    static func fields(_ elements: [ParquetSchemaElement]) throws(FormatError) -> [Field] {
        guard let root = elements.first, let count = root.childCount, root.physical == nil else {
            throw .brokenParquet("its schema has no root")
        }
        guard count > 0 else { throw .unsupportedParquet("no columns", supported: "files with columns") }
        var reader = ParquetSchemaReader(elements: elements)
        reader.next = 1
        var fields: [Field] = []
        for _ in 0..<min(count, elements.count) {
            let element = try reader.take(nil)
            fields.append(Field(name: element.name, type: try reader.type(of: element, element.name, depth: 1)))
        }
        guard fields.count == count, reader.next == elements.count else {
            throw .brokenParquet("its schema has another number of elements than it says")
        }
        return fields
    }

    private init(elements: [ParquetSchemaElement]) { self.elements = elements }

    private mutating func take(_ column: String?) throws(FormatError) -> ParquetSchemaElement {
        guard next < elements.count else { throw .brokenParquet("its schema ends too early", column: column) }
        defer { next += 1 }
        return elements[next]
    }

    private mutating func type(
        of element: ParquetSchemaElement, _ column: String, depth: Int
    ) throws(FormatError) -> DataType {
        guard depth <= Self.depthLimit else {
            throw .unsupportedParquet("deeper nesting", supported: "\(Self.depthLimit) levels", column: column)
        }
        guard element.repetition == 1 else {
            throw .unsupportedParquet(
                "a node of repetition \(element.repetition ?? -1)", supported: "optional nodes", column: column)
        }
        if element.physical != nil { return try scalar(element, column) }
        guard let count = element.childCount, count > 0 else {
            throw .brokenParquet("a group of its schema has no members", column: column)
        }
        switch element.logical {
        case .list: return .list(try item(element, column, depth: depth))
        case nil where element.converted == nil:
            var members: [Field] = []
            for _ in 0..<min(count, elements.count) {
                let member = try take(column)
                members.append(Field(name: member.name, type: try type(of: member, column, depth: depth + 1)))
            }
            return .structure(members)
        default:
            throw .unsupportedParquet(
                "a group with a meaning of its own", supported: "lists and structures", column: column)
        }
    }

    /// `optional group x (LIST) { repeated group list { optional T element } }`.
    private mutating func item(
        _ list: ParquetSchemaElement, _ column: String, depth: Int
    ) throws(FormatError) -> DataType {
        let group = try take(column)
        guard list.childCount == 1, group.repetition == 2, group.physical == nil, group.childCount == 1,
            group.name == "list", group.logical == nil
        else { throw .unsupportedParquet("another form of list", supported: "lists of three levels", column: column) }
        let item = try take(column)
        guard item.name == "element" else {
            throw .unsupportedParquet("another form of list", supported: "lists of three levels", column: column)
        }
        return try type(of: item, column, depth: depth + 1)
    }

    private func scalar(_ element: ParquetSchemaElement, _ column: String) throws(FormatError) -> DataType {
        let physical = element.physical.flatMap(ParquetPhysicalType.init)
        let type: DataType? =
            switch (physical, element.logical) {
            case (.boolean, nil): .boolean
            case (.int32, .integer(bits: 16, isSigned: true)): .int16
            case (.int32, nil): .int32
            case (.int32, .date): .date
            case (.int64, nil): .int64
            case (.int64, .timestamp(let isUTC)): .timestamp(isUTC: isUTC)
            case (.float, nil): .float32
            case (.double, nil): .float64
            case (.byteArray, .text): .text
            case (.byteArray, nil): .binary
            case (_, .decimal(let precision, let scale))
            where (1...38).contains(precision) && (0...precision).contains(scale):
                .decimal(precision: precision, scale: scale)
            default: nil
            }
        // The old annotation alone means a type too, but none that is written here.
        guard let type, element.logical != nil || element.converted == nil, (element.childCount ?? 0) == 0,
            type.parquetLayout.type == physical,
            physical != .fixed || element.width == type.parquetLayout.width
        else {
            throw .unsupportedParquet(
                "physical type \(element.physical ?? -1) with another logical type or width",
                supported: "the types that ETL-Express writes", column: column)
        }
        if case .decimal(let precision, let scale) = type {
            guard element.precision ?? precision == precision, element.scale ?? scale == scale else {
                throw .brokenParquet("its schema states two precisions of a decimal", column: column)
            }
        }
        return type
    }
}
