package import Model

#if canImport(Glibc)
import Glibc
#elseif canImport(Musl)
import Musl
#endif

/// Grows a validity bitmap; makes none while every row holds a value.
@safe struct ValidityBuilder: ~Copyable {
    private var bits: UnsafeMutableRawPointer?
    private var capacity = 0  // in bytes
    private var rowCount = 0

    init() {}

    mutating func append(isValid: Bool) {
        if isValid, unsafe bits == nil {
            rowCount += 1
            return
        }
        let byte = rowCount >> 3
        if byte >= capacity {
            let isFirst = unsafe bits == nil
            let grown = max(2 * capacity, byte + 64)
            unsafe bits = unsafe reallocate(bits, grown)
            unsafe memset(bits! + capacity, isFirst ? 0xff : 0, grown - capacity)
            if isFirst {
                // Rows so far were all valid; the rest starts at zero.
                unsafe memset(bits! + byte, 0, grown - byte)
                unsafe bits!.storeBytes(of: UInt8((1 << (rowCount & 7)) - 1), toByteOffset: byte, as: UInt8.self)
            }
            capacity = grown
        }
        if isValid {
            let old = unsafe bits!.load(fromByteOffset: byte, as: UInt8.self)
            unsafe bits!.storeBytes(of: old | 1 << UInt8(rowCount & 7), toByteOffset: byte, as: UInt8.self)
        }
        rowCount += 1
    }

    consuming func finish() -> Buffer? {
        guard let memory = unsafe bits else { return nil }
        let byteCount = (rowCount + 7) / 8
        unsafe bits = nil
        return unsafe Buffer(adopting: memory, byteCount: byteCount)
    }

    deinit { unsafe free(bits) }
}

/// Builds a text or binary column row by row.
@safe package struct VariableBuilder: ~Copyable {
    private var validity = ValidityBuilder()
    private var offsets: UnsafeMutablePointer<Int32>
    private var offsetCapacity: Int
    private var bytes: UnsafeMutableRawPointer
    private var byteCapacity: Int
    package private(set) var rowCount = 0
    package private(set) var byteCount = 0

    package init(rows: Int, bytes byteCapacity: Int) {
        offsetCapacity = rows + 1
        unsafe offsets = unsafe allocate(4 * (rows + 1)).assumingMemoryBound(to: Int32.self)
        unsafe offsets[0] = 0
        self.byteCapacity = max(byteCapacity, 64)
        unsafe bytes = unsafe allocate(max(byteCapacity, 64))
    }

    package mutating func append(_ value: UnsafeRawBufferPointer) {
        reserve(value.count)
        if value.count > 0 { unsafe memcpy(bytes + byteCount, value.baseAddress!, value.count) }
        byteCount += value.count
        endRow(isValid: true)
    }

    package mutating func append(_ value: String) {
        var value = value
        value.withUTF8 { unsafe append(UnsafeRawBufferPointer($0)) }
    }

    /// Room for `count` more bytes; `write` fills some of them and returns how many.
    package mutating func append(atMost count: Int, _ write: (UnsafeMutableRawBufferPointer) -> Int) {
        reserve(count)
        let written = unsafe write(UnsafeMutableRawBufferPointer(start: bytes + byteCount, count: count))
        precondition(written <= count, "more bytes written than reserved")
        byteCount += written
        endRow(isValid: true)
    }

    package mutating func appendNull() { endRow(isValid: false) }

    private mutating func reserve(_ count: Int) {
        if byteCount + count > byteCapacity {
            byteCapacity = max(2 * byteCapacity, byteCount + count)
            unsafe bytes = unsafe reallocate(bytes, byteCapacity)
        }
        precondition(byteCount + count <= Int(Int32.max), "a chunk's column holds less than 2 GiB")
    }

    private mutating func endRow(isValid: Bool) {
        rowCount += 1
        if rowCount >= offsetCapacity {
            offsetCapacity = 2 * offsetCapacity + 1
            unsafe offsets = unsafe reallocate(offsets, 4 * offsetCapacity).assumingMemoryBound(to: Int32.self)
        }
        unsafe offsets[rowCount] = Int32(byteCount)
        validity.append(isValid: isValid)
    }

    package consuming func finish(type: DataType) -> Column {
        let offsetBuffer = unsafe Buffer(adopting: offsets, byteCount: 4 * (rowCount + 1))
        let byteBuffer = unsafe Buffer(adopting: bytes, byteCount: byteCount)
        let rows = rowCount
        // The buffers own the memory now.
        unsafe offsets = allocate(4).assumingMemoryBound(to: Int32.self)
        unsafe bytes = allocate(1)
        let bits = takeValidity()
        return Column(
            type: type, rowCount: rows, validity: bits, storage: .variable(offsets: offsetBuffer, bytes: byteBuffer))
    }

    private mutating func takeValidity() -> Buffer? {
        var empty = ValidityBuilder()
        swap(&empty, &validity)
        return empty.finish()
    }

    deinit {
        unsafe free(offsets)
        unsafe free(bytes)
    }
}

/// Builds a column of fixed-width values row by row. `Element` matches the type's width.
@safe package struct FixedBuilder<Element: BitwiseCopyable>: ~Copyable {
    private var validity = ValidityBuilder()
    private var values: UnsafeMutablePointer<Element>
    private var capacity: Int
    package private(set) var rowCount = 0

    package init(rows: Int) {
        capacity = max(rows, 16)
        unsafe values = unsafe allocate(capacity * MemoryLayout<Element>.stride).assumingMemoryBound(to: Element.self)
    }

    package mutating func append(_ value: Element) {
        reserve()
        unsafe values[rowCount] = value
        rowCount += 1
        validity.append(isValid: true)
    }

    package mutating func appendNull() {
        reserve()
        unsafe memset(values + rowCount, 0, MemoryLayout<Element>.stride)
        rowCount += 1
        validity.append(isValid: false)
    }

    private mutating func reserve() {
        guard rowCount == capacity else { return }
        capacity *= 2
        unsafe values = unsafe reallocate(values, capacity * MemoryLayout<Element>.stride)
            .assumingMemoryBound(to: Element.self)
    }

    package consuming func finish(type: DataType) -> Column {
        precondition(type.fixedWidth == MemoryLayout<Element>.stride, "element width is the type's")
        let buffer = unsafe Buffer(adopting: values, byteCount: rowCount * MemoryLayout<Element>.stride)
        let rows = rowCount
        unsafe values = allocate(1).assumingMemoryBound(to: Element.self)
        var bits = ValidityBuilder()
        swap(&bits, &validity)
        return Column(type: type, rowCount: rows, validity: bits.finish(), storage: .fixed(buffer))
    }

    deinit { unsafe free(values) }
}

/// Builds a boolean column (bits) row by row.
package struct BooleanBuilder: ~Copyable {
    private var validity = ValidityBuilder()
    private var bits: [UInt8] = []
    package private(set) var rowCount = 0

    package init() {}

    package mutating func append(_ value: Bool) { add(value, isValid: true) }
    package mutating func appendNull() { add(false, isValid: false) }

    private mutating func add(_ value: Bool, isValid: Bool) {
        if rowCount & 7 == 0 { bits.append(0) }
        if value { bits[rowCount >> 3] |= 1 << UInt8(rowCount & 7) }
        rowCount += 1
        validity.append(isValid: isValid)
    }

    package consuming func finish() -> Column {
        var taken = ValidityBuilder()
        swap(&taken, &validity)
        return Column(
            type: .boolean, rowCount: rowCount, validity: taken.finish(), storage: .fixed(Buffer(copying: bits)))
    }
}
