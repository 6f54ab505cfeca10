internal import CKernels
internal import Columnar

#if canImport(Glibc)
import Glibc
#elseif canImport(Musl)
import Musl
#endif

/// The distinct values of one column chunk, numbered as they first appear.
///
/// Whether a dictionary pays is a function of the values alone: neither time nor memory has a say.
@safe final class ParquetDictionary {
    /// Values a call of the kernel: bounds the room that must be free in the table.
    private static let piece = 1024
    /// Below this many values a doubtful dictionary is given the benefit of the doubt.
    private static let valuesToJudge = 16_384

    private var table = unsafe kernel_parquet_dictionary()
    private var slotCount: Int
    private let entries = GrowingBytes()
    private let ends = GrowingBytes()
    private let width: Int
    private let byteLimit: Int

    /// Values looked up and the bytes they take in PLAIN.
    private var valueCount = 0
    private var plainByteCount = 0
    /// How far the pages written so far refer to.
    private var markedEntries = 0
    private var markedBytes = 0

    /// For values of `width` bytes; 0: byte strings. More than `byteLimit` bytes of entries are too many.
    init(width: Int, byteLimit: Int) {
        self.width = width
        self.byteLimit = byteLimit
        slotCount = 2 * Self.piece
        unsafe table.slots = Self.zeroedSlots(slotCount)
        unsafe table.slot_mask = slotCount - 1
    }

    deinit { unsafe free(table.slots) }

    var entryCount: Int { unsafe table.entry_count }
    var entryByteCount: Int { unsafe table.byte_count }
    /// The entries, PLAIN: the dictionary page. Slack follows.
    var entryBytes: UnsafeRawBufferPointer { unsafe entries[0..<entryByteCount] }

    /// The bit width of index pages at this moment. At least one: readers stumble over zero.
    var indexWidth: Int { max(1, Int.bitWidth - max(entryCount - 1, 0).leadingZeroBitCount) }

    /// Looks `count` PLAIN values up, adding the new ones, and appends their numbers to `indexes`.
    ///
    /// Returns false as soon as the entries take more than the limit: the dictionary is to be abandoned.
    func add(_ values: UnsafeRawBufferPointer, count: Int, to indexes: GrowingBytes) -> Bool {
        let out = unsafe indexes.reserve(4 * count).assumingMemoryBound(to: UInt32.self)
        unsafe table.bytes = bind(entries, used: entryByteCount, more: values.count)
        if width == 0 {
            unsafe table.ends = bind(ends, used: 4 * entryCount, more: 4 * count)
        }
        var done = 0
        var position = 0
        while done < count {
            let piece = min(Self.piece, count - done)
            makeRoom(for: piece)
            let source = unsafe values.baseAddress!.assumingMemoryBound(to: UInt8.self) + position
            if width == 0 {
                position += unsafe kernel_parquet_dictionary_bytes(&table, source, piece, out + done)
            } else {
                unsafe kernel_parquet_dictionary_fixed(&table, source, piece, Int32(width), out + done)
                position += piece * width
            }
            done += piece
            if entryByteCount > byteLimit { return false }
        }
        indexes.count += 4 * count
        valueCount += count
        plainByteCount += values.count
        return true
    }

    /// Whether entries and indexes take clearly less room than the values themselves.
    var pays: Bool { 4 * cost < 3 * plainByteCount }

    /// Whether it is certain enough that the dictionary does not pay: nearly every value is new, or many were seen.
    var isHopeless: Bool {
        if valueCount >= Self.valuesToJudge { return !pays }
        return valueCount >= Self.piece && cost >= plainByteCount
    }

    private var cost: Int { entryByteCount + valueCount * indexWidth / 8 }

    /// A page that refers to the entries so far is written.
    func mark() {
        markedEntries = entryCount
        markedBytes = entryByteCount
    }

    /// Forgets entries that no written page refers to.
    func truncateToMark() {
        unsafe table.entry_count = markedEntries
        unsafe table.byte_count = markedBytes
    }

    /// Empties the dictionary for the next column chunk.
    func reset() {
        valueCount = 0
        plainByteCount = 0
        markedEntries = 0
        markedBytes = 0
        truncateToMark()
        if slotCount > 32 * Self.piece {
            slotCount = 2 * Self.piece
            unsafe free(table.slots)
            unsafe table.slots = Self.zeroedSlots(slotCount)
            unsafe table.slot_mask = slotCount - 1
        } else {
            unsafe memset(table.slots, 0, 8 * slotCount)
        }
        entries.removeAll(keeping: 256 << 10)
        ends.removeAll(keeping: 256 << 10)
    }

    private func makeRoom(for piece: Int) {
        guard slotCount < 2 * (entryCount + piece) else { return }
        let old = unsafe table.slots
        let oldMask = unsafe table.slot_mask
        while slotCount < 4 * (entryCount + piece) { slotCount *= 2 }
        unsafe table.slots = Self.zeroedSlots(slotCount)
        unsafe table.slot_mask = slotCount - 1
        unsafe kernel_parquet_dictionary_rehash(&table, old, oldMask)
        unsafe free(old)
    }

    private func bind<Element: BitwiseCopyable>(
        _ memory: GrowingBytes, used: Int, more: Int
    ) -> UnsafeMutablePointer<Element> {
        memory.count = used
        unsafe _ = memory.reserve(more)
        return unsafe memory.pointer(Element.self)
    }

    private static func zeroedSlots(_ count: Int) -> UnsafeMutablePointer<UInt64> {
        let memory = unsafe allocate(8 * count)
        unsafe memset(memory, 0, 8 * count)
        return unsafe memory.bindMemory(to: UInt64.self, capacity: count)
    }
}
