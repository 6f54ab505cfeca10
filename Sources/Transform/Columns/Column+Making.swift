internal import Columnar
internal import Model

extension Column {
    /// The validity bits as kernels take them; nil: no row is null.
    var validityBits: UnsafePointer<UInt8>? {
        unsafe validity.map { unsafe UnsafePointer($0.base.assumingMemoryBound(to: UInt8.self)) }
    }

    /// A text column that a kernel writes: `fill` gets `rowCount + 1` offsets and room for `capacity` bytes, returns the
    /// bytes written. Validity is this column's.
    func makingText(
        type: DataType = .text, capacity: Int,
        _ fill: (_ offsets: UnsafeMutablePointer<Int32>, _ bytes: UnsafeMutablePointer<UInt8>) -> Int
    ) -> Column {
        precondition(capacity <= Int(Int32.max), "a chunk's column holds less than 2 GiB")
        let memory = unsafe allocate(capacity)
        var written = 0
        let offsets = unsafe Buffer(byteCount: 4 * (rowCount + 1)) { target in
            written = unsafe fill(
                target.baseAddress!.assumingMemoryBound(to: Int32.self), memory.assumingMemoryBound(to: UInt8.self))
        }
        precondition(written <= capacity, "a kernel stays within its room")
        // The room is for the worst case; what is kept is what was written.
        let bytes = unsafe Buffer(
            adopting: written < capacity / 2 ? reallocate(memory, written) : memory, byteCount: written)
        return Column(
            type: type, rowCount: rowCount, validity: validity, storage: .variable(offsets: offsets, bytes: bytes))
    }

    /// A column of fixed width that a kernel writes. Validity is this column's.
    func makingFixed(type: DataType, _ fill: (UnsafeMutableRawPointer) -> Void) -> Column {
        guard let width = type.fixedWidth else { preconditionFailure("the type has a fixed width") }
        let buffer = unsafe Buffer(byteCount: rowCount * width) { unsafe fill($0.baseAddress!) }
        return Column(type: type, rowCount: rowCount, validity: validity, storage: .fixed(buffer))
    }

    /// Offsets and bytes of variable storage, as kernels take them.
    func withVariable<Result>(
        _ body: (_ offsets: UnsafePointer<Int32>, _ bytes: UnsafePointer<UInt8>, _ byteCount: Int) -> Result
    ) -> Result {
        guard case .variable(let offsets, let bytes) = storage else {
            preconditionFailure("column has no variable storage")
        }
        return unsafe body(
            UnsafePointer(offsets.base.assumingMemoryBound(to: Int32.self)),
            UnsafePointer(bytes.base.assumingMemoryBound(to: UInt8.self)), bytes.byteCount)
    }
}
