internal import CKernels
internal import Columnar
internal import Model

/// How many rows a step changed: other bytes, or null on one side only.
enum ChangeCount {
    /// - Cost: one comparison of memory a row. A column of another type has changed wherever it was not null before.
    static func rows(from old: Column, to new: Column) -> Int {
        precondition(old.rowCount == new.rowCount, "a step keeps the rows")
        guard old.type == new.type else { return old.rowCount - old.nullCount }
        switch (old.storage, new.storage) {
        case (.variable(let offsets, let bytes), .variable(let newOffsets, let newBytes)):
            if offsets === newOffsets, bytes === newBytes, old.validity === new.validity { return 0 }
            return unsafe kernel_count_changed_text(
                offsets.base.assumingMemoryBound(to: Int32.self), bytes.base.assumingMemoryBound(to: UInt8.self),
                old.validityBits, newOffsets.base.assumingMemoryBound(to: Int32.self),
                newBytes.base.assumingMemoryBound(to: UInt8.self), new.validityBits, old.rowCount)
        case (.fixed(let values), .fixed(let newValues)):
            if values === newValues, old.validity === new.validity { return 0 }
            guard let width = old.type.fixedWidth else { return changedBits(from: old, to: new) }
            return unsafe kernel_count_changed_fixed(
                values.base.assumingMemoryBound(to: UInt8.self), old.validityBits,
                newValues.base.assumingMemoryBound(to: UInt8.self), new.validityBits, width, old.rowCount)
        case (.list(let offsets, let elements), .list(let newOffsets, let newElements)):
            let flags = changedLists(offsets, elements, newOffsets, newElements, rows: old.rowCount)
            return (0..<old.rowCount).count { flags[$0] || old.isNull($0) != new.isNull($0) }
        default:
            // Structures pass through whole.
            return 0
        }
    }

    private static func changedBits(from old: Column, to new: Column) -> Int {
        let before = unsafe old.values(UInt8.self)
        let after = unsafe new.values(UInt8.self)
        return (0..<old.rowCount).count { row in
            let difference = unsafe before[row >> 3] ^ after[row >> 3]
            return old.isNull(row) != new.isNull(row) || difference >> UInt8(row & 7) & 1 == 1
        }
    }

    private static func changedLists(
        _ offsets: Buffer, _ elements: Column, _ newOffsets: Buffer, _ newElements: Column, rows: Int
    ) -> [Bool] {
        let bounds = unsafe offsets.elements(Int32.self)
        let newBounds = unsafe newOffsets.elements(Int32.self)
        // Elements are compared one by one as columns of a row each only where their counts agree.
        let isChanged = elements.rowCount == newElements.rowCount ? changedElements(elements, newElements) : []
        return (0..<rows).map { row in
            let range = unsafe Int(bounds[row])..<Int(bounds[row + 1])
            guard unsafe range.count == Int(newBounds[row + 1] - newBounds[row]), !isChanged.isEmpty || range.isEmpty
            else { return true }
            return range.contains { isChanged[$0] }
        }
    }

    private static func changedElements(_ old: Column, _ new: Column) -> [Bool] {
        (0..<old.rowCount).map { row in
            if old.isNull(row) != new.isNull(row) { return true }
            guard case .variable = old.storage, case .variable = new.storage else {
                guard let width = old.type.fixedWidth, case .fixed(let before) = old.storage,
                    case .fixed(let after) = new.storage
                else { return false }
                return unsafe !before.bytes[row * width..<(row + 1) * width].elementsEqual(
                    after.bytes[row * width..<(row + 1) * width])
            }
            return unsafe !old.variableBytes(row).elementsEqual(new.variableBytes(row))
        }
    }
}
