internal import CKernels
internal import Columnar
internal import Model

/// The identifiers in the texts of a column.
///
/// The kernel knows ASCII forms. Texts with other typography, as a rule few, are folded to ASCII, searched once more, and
/// what is found there counts in the place of what was found first.
enum RedactSearch {
    /// - Returns: findings of the `wanted` kinds (a sum of kernel kinds), rows and places ascending, without overlap; positions
    ///   in bytes of the text as it stands.
    /// - Cost: two passes over the bytes; texts that are folded are copied.
    static func findings(in column: Column, _ wanted: UInt32) -> [kernel_row_entity] {
        let plain = search(column, wanted)
        let rows = rowsToFold(in: column)
        if rows.isEmpty { return plain }
        let whole = FoldedTexts(of: column, rows: rows, noWidth: 0)
        var folded = whole.findings(wanted)
        // A character without width stands inside of an identifier or between two of them: both are looked at.
        let apart = FoldedTexts(of: column, rows: rows, noWidth: 0x1f)
        if apart.byteCount > whole.byteCount { folded = union(folded, apart.findings(wanted)) }
        return plain.replacing(rows: rows, by: folded)
    }

    fileprivate static func search(_ column: Column, _ wanted: UInt32) -> [kernel_row_entity] {
        // As many as the texts hold is seldom more than one a row; where it is, the second call has room.
        let capacity = column.rowCount + 64
        let (found, count) = search(column, wanted, capacity: capacity)
        return count > capacity ? search(column, wanted, capacity: count).list : found
    }

    /// The first `capacity` findings, and how many there are.
    private static func search(
        _ column: Column, _ wanted: UInt32, capacity: Int
    ) -> (list: [kernel_row_entity], count: Int) {
        var count = 0
        let list = unsafe column.withVariable { offsets, bytes, _ in
            unsafe [kernel_row_entity](unsafeUninitializedCapacity: capacity) { target, written in
                unsafe count = kernel_find_entities_i32(
                    bytes, offsets, column.validityBits, column.rowCount, wanted, target.baseAddress!, capacity)
                written = min(count, capacity)
            }
        }
        return (list, count)
    }

    /// Rows with a character that is folded, ascending; nulls have none.
    private static func rowsToFold(in column: Column) -> [Int] {
        unsafe column.withVariable { offsets, bytes, _ in
            var rows: [Int] = []
            var row = 0
            let end = unsafe Int(offsets[column.rowCount])
            var place = unsafe kernel_next_fold(bytes, Int(offsets[0]), end)
            while place < end {
                while unsafe Int(offsets[row + 1]) <= place { row += 1 }
                if !column.isNull(row) { rows.append(row) }
                row += 1
                unsafe place = kernel_next_fold(bytes, Int(offsets[row]), end)
            }
            return rows
        }
    }

    /// What overlaps becomes one finding, of the kind of the longer.
    private static func union(_ some: [kernel_row_entity], _ others: [kernel_row_entity]) -> [kernel_row_entity] {
        var result: [kernel_row_entity] = []
        for finding in (some + others).sorted(by: { ($0.row, $0.start) < ($1.row, $1.start) }) {
            guard let last = result.last, last.row == finding.row, finding.start < last.end else {
                result.append(finding)
                continue
            }
            if finding.end - finding.start > last.end - last.start { result[result.count - 1].kind = finding.kind }
            result[result.count - 1].end = max(last.end, finding.end)
        }
        return result
    }
}

/// Texts of a column, folded.
private struct FoldedTexts {
    let column: Column
    let rows: [Int]
    let noWidth: UInt8
    let texts: Column
    let byteCount: Int

    /// - Parameter noWidth: what stands for a character without width; 0: nothing.
    init(of column: Column, rows: [Int], noWidth: UInt8) {
        var builder = VariableBuilder(
            rows: rows.count, bytes: rows.reduce(0) { unsafe $0 + column.variableBytes($1).count })
        for row in rows {
            let text = unsafe column.variableBytes(row).bindMemory(to: UInt8.self)
            unsafe builder.append(atMost: text.count) { target in
                unsafe kernel_fold_text(
                    text.baseAddress!, text.count, noWidth, target.bindMemory(to: UInt8.self).baseAddress!)
            }
        }
        byteCount = builder.byteCount
        texts = builder.finish(type: .text)
        self.column = column
        self.rows = rows
        self.noWidth = noWidth
    }

    /// Positions are those of the texts as they stand.
    func findings(_ wanted: UInt32) -> [kernel_row_entity] {
        var place = (row: UInt32.max, folded: 0, own: 0)
        return RedactSearch.search(texts, wanted).map { finding in
            let row = rows[Int(finding.row)]
            let text = unsafe column.variableBytes(row).bindMemory(to: UInt8.self)
            if finding.row != place.row { place = (finding.row, 0, 0) }
            func moveOn(to folded: UInt32) {
                unsafe place.own = kernel_unfold(
                    text.baseAddress!, text.count, place.own, noWidth, Int(folded) - place.folded)
                place.folded = Int(folded)
            }
            moveOn(to: finding.start)
            let start = place.own
            moveOn(to: finding.end - 1)
            // A character that became one byte is replaced whole.
            var end = place.own + 1
            while end < text.count, unsafe text[end] & 0xc0 == 0x80 { end += 1 }
            return kernel_row_entity(row: UInt32(row), start: UInt32(start), end: UInt32(end), kind: finding.kind)
        }
    }
}

extension [kernel_row_entity] {
    /// Both lists and `rows` ascend.
    fileprivate func replacing(rows: [Int], by findings: [kernel_row_entity]) -> [kernel_row_entity] {
        var result: [kernel_row_entity] = []
        result.reserveCapacity(count + findings.count)
        var rows = rows[...]
        var findings = findings[...]
        for finding in self {
            while let first = rows.first, first < finding.row { rows.removeFirst() }
            while let first = findings.first, first.row < finding.row { result.append(findings.removeFirst()) }
            if rows.first.map(UInt32.init) != finding.row { result.append(finding) }
        }
        return result + findings
    }
}
