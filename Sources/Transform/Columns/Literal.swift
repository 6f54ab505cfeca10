internal import Columnar
internal import Model

/// A value of a document as a column of one row.
enum Literal {
    /// nil: the text is no value of the type.
    static func column(_ text: String, type: DataType) -> Column? {
        var builder = VariableBuilder(rows: 1, bytes: text.utf8.count)
        builder.append(text)
        var log = FailureLog(.stop)
        return try? TextParser.column(builder.finish(type: .text), as: type, &log)
    }
}

extension Column {
    /// The bytes of one row of text, binary or fixed storage, for comparisons. Booleans: one byte, 0 or 1.
    func valueBytes(_ row: Int) -> [UInt8] {
        if type == .boolean { return unsafe [fixedBytes[row >> 3] >> UInt8(row & 7) & 1] }
        guard let width = type.fixedWidth else { return unsafe Array(variableBytes(row)) }
        return unsafe Array(UnsafeBufferPointer(start: fixedBytes + row * width, count: width))
    }

    /// A column of `rowCount` times this column's one value.
    func repeated(_ rowCount: Int) -> Column {
        precondition(self.rowCount == 1 && nullCount == 0, "one value is repeated")
        return Column(nulls: rowCount, type: type).fillingNulls(with: self)
    }

    /// Null rows take the one value of `filler`, a column of the same type.
    func fillingNulls(with filler: Column) -> Column {
        precondition(filler.rowCount == 1 && filler.type == type, "a filler is one value of the column's type")
        let value = filler.valueBytes(0)
        switch storage {
        case .variable:
            var builder = VariableBuilder(rows: rowCount, bytes: 64)
            for row in 0..<rowCount {
                if isNull(row) {
                    unsafe value.withUnsafeBytes { unsafe builder.append($0) }
                } else {
                    unsafe builder.append(variableBytes(row))
                }
            }
            return builder.finish(type: type)
        case .fixed(let buffer):
            let filled = unsafe Buffer(byteCount: buffer.byteCount) { target in
                unsafe target.copyMemory(from: buffer.bytes)
                for row in 0..<rowCount where isNull(row) {
                    if let width = type.fixedWidth {
                        for index in 0..<width { unsafe target[row * width + index] = value[index] }
                    } else if value[0] == 1 {
                        unsafe target[row >> 3] |= 1 << UInt8(row & 7)
                    }
                }
            }
            return Column(type: type, rowCount: rowCount, validity: nil, storage: .fixed(filled))
        case .list, .structure: preconditionFailure("the plan fills scalars alone")
        }
    }

    /// The column with more nulls: rows for which `isOut` holds become null.
    func nulling(_ isOut: (Int) -> Bool) -> Column {
        var bits = [UInt8](repeating: 0, count: (rowCount + 7) / 8)
        var isAny = false
        for row in 0..<rowCount where !isNull(row) {
            if isOut(row) { isAny = true } else { bits[row >> 3] |= 1 << UInt8(row & 7) }
        }
        if !isAny { return self }
        func isValid(_ row: Int) -> Bool { bits[row >> 3] >> UInt8(row & 7) & 1 == 1 }
        switch storage {
        case .variable:
            var builder = VariableBuilder(rows: rowCount, bytes: 64)
            for row in 0..<rowCount {
                if isValid(row) { unsafe builder.append(variableBytes(row)) } else { builder.appendNull() }
            }
            return builder.finish(type: type)
        case .fixed(let buffer):
            let kept = unsafe Buffer(byteCount: buffer.byteCount) { target in
                for row in 0..<rowCount where isValid(row) {
                    if let width = type.fixedWidth {
                        for index in 0..<width {
                            unsafe target[row * width + index] = buffer.bytes[row * width + index]
                        }
                    } else {
                        let bit = unsafe buffer.bytes[row >> 3] >> UInt8(row & 7) & 1
                        unsafe target[row >> 3] |= bit << UInt8(row & 7)
                    }
                }
            }
            return Column(type: type, rowCount: rowCount, validity: Buffer(copying: bits), storage: .fixed(kept))
        case .list, .structure: preconditionFailure("the plan nulls scalars alone")
        }
    }
}
