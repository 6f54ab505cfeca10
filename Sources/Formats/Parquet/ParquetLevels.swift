internal import CKernels
internal import Columnar

/// One node of a schema tree in the rows at hand: definition and repetition levels and, per entry, the row of the node's
/// column that it stands for (-1: an ancestor is null or an empty list).
final class ParquetFrame {
    let definition = GrowingBytes()
    let repetition = GrowingBytes()
    let index = GrowingBytes()
    var count = 0

    /// Forgets the entries and makes room for others; what they are, the kernels write.
    fileprivate func resize(_ entries: Int) {
        for memory in [definition, repetition] {
            memory.removeAll()
            unsafe _ = memory.reserve(entries)
            memory.count = entries
        }
        index.removeAll()
        unsafe _ = index.reserve(4 * entries)
        index.count = 4 * entries
        count = entries
    }
}

/// Takes nested columns apart into the levels and values of their leaves (Dremel's record shredding).
///
/// Works level by level over whole arrays; keeps one frame a level of nesting for the next rows.
final class ParquetLevels {
    private var frames: [ParquetFrame] = []

    /// Hands each leaf of `node` its entries of `rows`, in the order of the schema.
    func shred(
        _ node: ParquetNode, _ column: Column, rows: Range<Int>, into leaves: [ParquetLeaf], isGiant: Bool
    ) {
        let frame = frame(0)
        frame.resize(rows.count)
        unsafe kernel_parquet_frame(
            rows.lowerBound, rows.count, frame.definition.pointer(UInt8.self), frame.repetition.pointer(UInt8.self),
            frame.index.pointer(Int32.self))
        descend(node, column, frame, depth: 1, leaves, isGiant)
    }

    private func descend(
        _ node: ParquetNode, _ column: Column, _ frame: ParquetFrame, depth: Int, _ leaves: [ParquetLeaf],
        _ isGiant: Bool
    ) {
        switch (node, column.storage) {
        case (.leaf(let leaf), _):
            leaves[leaf].append(frame, column, isGiant: isGiant)
        case (.list(let item, let level), .list(let offsets, let elements)):
            let inner = self.frame(depth)
            enterList(frame, column, offsets, level, inner)
            descend(item, elements, inner, depth: depth + 1, leaves, isGiant)
        case (.structure(let nodes), .structure(let members)):
            let inner = self.frame(depth)
            enterStructure(frame, column, inner)
            for (node, member) in zip(nodes, members) {
                descend(node, member, inner, depth: depth + 1, leaves, isGiant)
            }
        default: preconditionFailure("a column's storage is its type's")
        }
    }

    private func enterList(
        _ outer: ParquetFrame, _ column: Column, _ offsets: Buffer, _ level: UInt8, _ inner: ParquetFrame
    ) {
        let validity = unsafe column.validityBits
        let bounds = unsafe offsets.elements(Int32.self).baseAddress
        inner.resize(
            unsafe kernel_parquet_frame_list_count(outer.index.pointer(Int32.self), outer.count, validity, bounds))
        unsafe kernel_parquet_frame_list(
            outer.definition.pointer(UInt8.self), outer.repetition.pointer(UInt8.self),
            outer.index.pointer(Int32.self), outer.count, validity, bounds, level,
            inner.definition.pointer(UInt8.self), inner.repetition.pointer(UInt8.self),
            inner.index.pointer(Int32.self))
    }

    private func enterStructure(_ outer: ParquetFrame, _ column: Column, _ inner: ParquetFrame) {
        inner.resize(outer.count)
        unsafe inner.repetition.base.copyMemory(from: outer.repetition.base, byteCount: outer.count)
        unsafe kernel_parquet_frame_present(
            outer.definition.pointer(UInt8.self), outer.index.pointer(Int32.self), outer.count, column.validityBits,
            inner.definition.pointer(UInt8.self), inner.index.pointer(Int32.self))
    }

    private func frame(_ depth: Int) -> ParquetFrame {
        while frames.count <= depth { frames.append(ParquetFrame()) }
        return frames[depth]
    }
}

extension Column {
    /// The validity bits for kernels; nil when no row is null.
    var validityBits: UnsafePointer<UInt8>? {
        unsafe validity.map { unsafe UnsafePointer($0.base.assumingMemoryBound(to: UInt8.self)) }
    }
}
