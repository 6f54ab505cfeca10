internal import Model

/// How values of a leaf lie in a file: Parquet's physical types.
enum ParquetPhysicalType: Int {
    case boolean = 0
    case int32 = 1
    case int64 = 2
    case float = 4
    case double = 5
    case byteArray = 6
    case fixed = 7
}

extension DataType {
    /// The physical type of a scalar and its bytes a value (0: variable; booleans: one byte before they are packed).
    var parquetLayout: (type: ParquetPhysicalType, width: Int) {
        switch self {
        case .boolean: (.boolean, 1)
        case .int16, .int32, .date: (.int32, 4)
        case .int64, .timestamp: (.int64, 8)
        case .float32: (.float, 4)
        case .float64: (.double, 8)
        case .decimal(let precision, _):
            precision <= 18 ? (.int64, 8) : (.fixed, Self.decimalByteCount(precision: precision))
        case .text, .binary: (.byteArray, 0)
        case .list, .structure: preconditionFailure("only scalars have a physical type")
        }
    }

    /// The fewest bytes whose two's complement holds every decimal of `precision` digits (1 ... 38).
    static func decimalByteCount(precision: Int) -> Int {
        var largest = Int128(1)
        for _ in 0..<precision { largest *= 10 }
        largest -= 1
        var byteCount = 1
        while byteCount < 16, largest >> Int128(8 * byteCount - 1) != 0 { byteCount += 1 }
        return byteCount
    }
}

/// A leaf of the schema: a column of the file.
struct ParquetLeafShape {
    /// Names from the root to the leaf, those of Parquet's list groups included.
    let path: [String]
    let type: DataType
    let physical: ParquetPhysicalType
    let width: Int
    /// The definition level of a value: how many optional and repeated nodes lie above it, itself included.
    let maxDefinition: Int
    /// How many lists lie above it.
    let maxRepetition: Int
    let isProtected: Bool
}

/// A node of an output column's tree. Every node is optional.
indirect enum ParquetNode {
    /// Index into the file's leaves.
    case leaf(Int)
    /// `level` is the repetition level of the elements after a list's first.
    case list(element: ParquetNode, level: UInt8)
    case structure([ParquetNode])
}

/// The file's schema: what the footer says of it, and the trees that rows are taken apart with.
///
/// Lists are the three-level form `optional group x (LIST) { repeated group list { optional T element } }`. Both the
/// logical type and the older converted type are written where both exist. Field ids count the named nodes (columns,
/// elements, members) from 1, depth first; the root and the repeated groups have none, as Iceberg does it.
struct ParquetSchema {
    private(set) var nodes: [ParquetNode] = []
    private(set) var leaves: [ParquetLeafShape] = []
    /// The encoded `SchemaElement`s and how many there are.
    private(set) var elements = ThriftWriter()
    private(set) var elementCount = 0
    private var lastFieldID = 0

    init(columns: [OutputColumn]) {
        precondition(!columns.isEmpty, "a part has columns")
        element("schema", repetition: nil, children: columns.count)
        for column in columns {
            nodes.append(
                add(column.name, column.type, path: [], definition: 0, repetition: 0, isProtected: column.isProtected))
        }
    }

    private mutating func add(
        _ name: String, _ type: DataType, path parent: [String], definition: Int, repetition: Int, isProtected: Bool
    ) -> ParquetNode {
        let path = parent + [name]
        switch type {
        case .list(let item):
            precondition(repetition < 63, "lists are nested at most 63 deep")
            element(name, repetition: .optional, children: 1, hasID: true) {
                $0.field(6, int32: 3)
                $0.field(9, int32: $1)
                $0.field(10) { $0.field(3) { _ in } }
            }
            element("list", repetition: .repeated, children: 1)
            let node = add(
                "element", item, path: path + ["list"], definition: definition + 2, repetition: repetition + 1,
                isProtected: isProtected)
            return .list(element: node, level: UInt8(repetition + 1))
        case .structure(let members):
            precondition(!members.isEmpty, "a structure has members: a group without any cannot be written")
            precondition(definition < 126, "structures are nested at most 126 deep")
            element(name, repetition: .optional, children: members.count, hasID: true) { $0.field(9, int32: $1) }
            return .structure(
                members.map {
                    add(
                        $0.name, $0.type, path: path, definition: definition + 1, repetition: repetition,
                        isProtected: isProtected)
                })
        default:
            scalar(name, type)
            let layout = type.parquetLayout
            leaves.append(
                ParquetLeafShape(
                    path: path, type: type, physical: layout.type, width: layout.width, maxDefinition: definition + 1,
                    maxRepetition: repetition, isProtected: isProtected))
            return .leaf(leaves.count - 1)
        }
    }

    private enum Repetition: Int { case required, optional, repeated }

    /// One element of the schema; `annotate` writes the fields from 6 on and gets the field's id.
    private mutating func element(
        _ name: String, layout: (type: ParquetPhysicalType, width: Int)? = nil, repetition: Repetition?,
        children: Int? = nil, hasID: Bool = false, annotate: (inout ThriftWriter, Int) -> Void = { _, _ in }
    ) {
        elementCount += 1
        if hasID { lastFieldID += 1 }
        let id = lastFieldID
        elements.structure {
            if let layout { $0.field(1, int32: layout.type.rawValue) }
            if let layout, layout.type == .fixed { $0.field(2, int32: layout.width) }
            if let repetition { $0.field(3, int32: repetition.rawValue) }
            $0.field(4, name)
            if let children { $0.field(5, int32: children) }
            annotate(&$0, id)
        }
    }

    /// Numbers of the format: converted types (field 6), then scale and precision, the id, the logical type's union.
    private mutating func scalar(_ name: String, _ type: DataType) {
        element(name, layout: type.parquetLayout, repetition: .optional, hasID: true) { writer, id in
            switch type {
            case .int16: writer.field(6, int32: 16)
            case .decimal: writer.field(6, int32: 5)
            case .text: writer.field(6, int32: 0)
            case .date: writer.field(6, int32: 6)
            // Local time too: readers of the old annotations alone expect it there.
            case .timestamp: writer.field(6, int32: 10)
            default: break
            }
            if case .decimal(let precision, let scale) = type {
                writer.field(7, int32: scale)
                writer.field(8, int32: precision)
            }
            writer.field(9, int32: id)
            switch type {
            case .int16:
                writer.field(10) {
                    $0.field(10) {
                        $0.field(1, int8: 16)
                        $0.field(2, true)
                    }
                }
            case .decimal(let precision, let scale):
                writer.field(10) {
                    $0.field(5) {
                        $0.field(1, int32: scale)
                        $0.field(2, int32: precision)
                    }
                }
            case .text: writer.field(10) { $0.field(1) { _ in } }
            case .date: writer.field(10) { $0.field(6) { _ in } }
            case .timestamp(let isUTC):
                writer.field(10) {
                    $0.field(8) {
                        $0.field(1, isUTC)
                        $0.field(2) { $0.field(2) { _ in } }
                    }
                }
            default: break
            }
        }
    }
}
