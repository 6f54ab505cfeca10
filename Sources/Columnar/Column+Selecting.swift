internal import Model

extension Column {
    /// The rows that `keep` (one flag a row) holds true, in order. Cost: one copy of what stays.
    package func selecting(_ keep: [Bool]) -> Column {
        precondition(keep.count == rowCount, "one flag a row")
        let kept = keep.reduce(0) { $0 + ($1 ? 1 : 0) }
        var validityBits = [UInt8](repeating: 0, count: (kept + 7) / 8)
        var row = 0
        for index in 0..<rowCount where keep[index] {
            if !isNull(index) { validityBits[row >> 3] |= 1 << UInt8(row & 7) }
            row += 1
        }
        let validity = nullCount == 0 ? nil : Buffer(copying: validityBits)
        return Column(type: type, rowCount: kept, validity: validity, storage: selectingStorage(keep, kept))
    }

    private func selectingStorage(_ keep: [Bool], _ kept: Int) -> Storage {
        switch storage {
        case .fixed(let buffer):
            guard let width = type.fixedWidth else {
                var bits = [UInt8](repeating: 0, count: (kept + 7) / 8)
                var row = 0
                for index in 0..<rowCount where keep[index] {
                    let bit = unsafe buffer.bytes[index >> 3] >> UInt8(index & 7) & 1
                    bits[row >> 3] |= bit << UInt8(row & 7)
                    row += 1
                }
                return .fixed(Buffer(copying: bits))
            }
            return unsafe .fixed(
                Buffer(byteCount: kept * width) { target in
                    var row = 0
                    for index in 0..<rowCount where keep[index] {
                        unsafe (target.baseAddress! + row * width).copyMemory(
                            from: buffer.base + index * width, byteCount: width)
                        row += 1
                    }
                })
        case .variable:
            var builder = VariableBuilder(rows: kept, bytes: 64)
            for index in 0..<rowCount where keep[index] { unsafe builder.append(variableBytes(index)) }
            return builder.finish(type: .binary).storage
        case .list(let offsets, let elements):
            let bounds = unsafe offsets.elements(Int32.self)
            var keepElements = [Bool](repeating: false, count: elements.rowCount)
            var newOffsets: [Int32] = [0]
            for index in 0..<rowCount where keep[index] {
                for element in unsafe Int(bounds[index])..<Int(bounds[index + 1]) { keepElements[element] = true }
                unsafe newOffsets.append(newOffsets.last! + bounds[index + 1] - bounds[index])
            }
            return .list(offsets: Buffer(copying: newOffsets), elements: elements.selecting(keepElements))
        case .structure(let members):
            return .structure(members.map { $0.selecting(keep) })
        }
    }
}
