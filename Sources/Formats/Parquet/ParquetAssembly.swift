internal import CKernels
internal import Columnar
internal import Model

#if canImport(Glibc)
import Glibc
#elseif canImport(Musl)
import Musl
#endif

/// Where a node of the schema stands among the levels of the leaves below it.
struct ParquetNodeLevel {
    /// How many lists lie above it.
    var repetition: UInt8 = 0
    /// The definition from which on an entry is a row of the node.
    var slot: UInt8 = 0
    /// The definition from which on that row is not null.
    var valid: UInt8 = 1

    var member: ParquetNodeLevel { ParquetNodeLevel(repetition: repetition, slot: slot, valid: valid + 1) }
    var element: ParquetNodeLevel { ParquetNodeLevel(repetition: repetition + 1, slot: valid + 1, valid: valid + 2) }
}

extension ParquetNode {
    /// The file's leaves below the node, which follow one another.
    var leaves: Range<Int> {
        switch self {
        case .leaf(let leaf): leaf..<leaf + 1
        case .list(let element, _): element.leaves
        case .structure(let members): members[0].leaves.lowerBound..<members[members.count - 1].leaves.upperBound
        }
    }

    /// For each leaf below the node: the definition that an entry within list number k has at least (k from 1).
    func elementLevels(
        _ level: ParquetNodeLevel = ParquetNodeLevel(), above: [UInt8] = [0]
    ) -> [(leaf: Int, levels: [UInt8])] {
        switch self {
        case .leaf(let leaf): [(leaf, above)]
        case .list(let element, _): element.elementLevels(level.element, above: above + [level.element.slot])
        case .structure(let members): members.flatMap { $0.elementLevels(level.member, above: above) }
        }
    }
}

/// Puts nested columns together again from the levels and values of their leaves (Dremel's record assembly, by column).
///
/// Works node by node over whole arrays. Leaves of one node must agree about its rows: each of them tells, and a file in
/// which they differ is broken.
struct ParquetAssembly {
    /// The file's leaves; nil where nobody asked for them.
    let leaves: [ParquetLeafReader?]
    private let flags = GrowingBytes()
    private let otherFlags = GrowingBytes()
    private let offsets = GrowingBytes()
    private let otherOffsets = GrowingBytes()

    init(leaves: [ParquetLeafReader?]) { self.leaves = leaves }

    /// The column of a node over the rows that its leaves hold. Takes the leaves' values.
    func column(
        _ node: ParquetNode, _ type: DataType, _ level: ParquetNodeLevel = ParquetNodeLevel()
    ) throws(FormatError) -> Column {
        let readers = node.leaves.compactMap { leaves[$0] }
        guard let first = readers.first else { preconditionFailure("the column was asked for") }
        first.flags(level, into: flags)
        for other in readers.dropFirst() {
            other.flags(level, into: otherFlags)
            guard Self.areEqual(flags, otherFlags) else { throw Self.disagreement(first) }
        }
        let rowCount = flags.count
        switch (node, type) {
        case (.list(let item, _), .list(let element)):
            first.offsets(level, into: offsets)
            for other in readers.dropFirst() {
                other.offsets(level, into: otherOffsets)
                guard Self.areEqual(offsets, otherOffsets) else { throw Self.disagreement(first) }
            }
            let (validity, bounds) = (validity, offsets.take())
            let elements = try column(item, element, level.element)
            return Column(
                type: type, rowCount: rowCount, validity: validity,
                storage: .list(offsets: bounds, elements: elements))
        case (.structure(let nodes), .structure(let fields)):
            let validity = validity
            var members: [Column] = []
            for (node, field) in zip(nodes, fields) { members.append(try column(node, field.type, level.member)) }
            return Column(type: type, rowCount: rowCount, validity: validity, storage: .structure(members))
        case (.leaf, _):
            return Column(type: type, rowCount: rowCount, validity: validity, storage: first.storage(flags))
        default: preconditionFailure("the tree is its type's")
        }
    }

    /// The flags as validity bits; nil when no row is null.
    private var validity: Buffer? {
        let valid = unsafe kernel_parquet_count_level(flags.pointer(UInt8.self), flags.count, 1)
        return valid == flags.count ? nil : ParquetLeafReader.packed(flags)
    }

    private static func areEqual(_ one: GrowingBytes, _ other: GrowingBytes) -> Bool {
        unsafe one.count == other.count && memcmp(one.base, other.base, one.count) == 0
    }

    private static func disagreement(_ leaf: ParquetLeafReader) -> FormatError {
        .brokenParquet("parts of a nested column do not fit together", column: leaf.shape.path[0])
    }
}
