internal import Formats
internal import Model
internal import ModuleStore

/// The SHA-256 of a file and of each of its shards, in the one pass that plans them.
///
/// Where a shard ends is known only after more of the file went by. What surely belongs to it, because no shard is shorter,
/// is hashed at once; what lies behind that waits for the cut, which is at most a block or a record away.
///
/// - Cost: each byte is hashed twice, beside the thread that plans; up to a block or the longest record in memory, and what
///   waits for the hash.
final class RangeDigests: RangeDigesting {
    private let passing = PassingBytes()
    private let queue: HashingQueue

    init() {
        let passing = passing
        queue = HashingQueue { bytes in unsafe passing.add(bytes) }
    }

    /// Takes the file's next bytes.
    func add(_ bytes: UnsafeRawBufferPointer) { unsafe queue.add(bytes) }

    func begin(at start: Int64, leastByteCount: Int64?) {
        queue.catchUp()
        passing.begin(at: start, leastByteCount: leastByteCount)
    }

    func end(at end: Int64) -> String {
        queue.catchUp()
        return passing.end(at: end)
    }

    /// Of all that went by: 64 lower-case hexadecimal digits. To be called once.
    func finish() -> String {
        queue.catchUp()
        return passing.whole.finish()
    }
}

/// What is known of the bytes that went by.
private final class PassingBytes {
    let whole = FileDigest()
    private var range = FileDigest()
    private var leastByteCount = Int64.max
    /// Bytes below belong to the open range or to none.
    private var certainEnd: Int64 = 0
    /// Where the file's bytes that went by end.
    private var position: Int64 = 0
    /// The last of them, whose range is not known yet.
    private var waiting: [UInt8] = []

    func add(_ bytes: UnsafeRawBufferPointer) {
        unsafe whole.add(bytes)
        let certain = waiting.isEmpty ? Int(min(Int64(bytes.count), max(0, certainEnd - position))) : 0
        unsafe range.add(UnsafeRawBufferPointer(rebasing: bytes[..<certain]))
        unsafe waiting += bytes[certain...]
        position += Int64(bytes.count)
    }

    func begin(at start: Int64, leastByteCount: Int64?) {
        if let leastByteCount { self.leastByteCount = leastByteCount }
        waiting.removeFirst(Int(start - (position - Int64(waiting.count))))
        open(at: start)
    }

    func end(at end: Int64) -> String {
        take(upTo: end)
        defer {
            range = FileDigest()
            open(at: end)
        }
        return range.finish()
    }

    private func open(at start: Int64) {
        let (sum, isBeyond) = start.addingReportingOverflow(leastByteCount)
        certainEnd = isBeyond ? .max : sum
        take(upTo: min(certainEnd, position))
    }

    /// What waits and lies below `end` belongs to the open range.
    private func take(upTo end: Int64) {
        let count = Int(end - (position - Int64(waiting.count)))
        guard count > 0 else { return }
        unsafe waiting.withUnsafeBytes { unsafe range.add(UnsafeRawBufferPointer(rebasing: $0[..<count])) }
        waiting.removeFirst(count)
    }
}
