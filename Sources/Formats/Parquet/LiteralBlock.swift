internal import Model

/// A "compressed" block that holds its bytes as they are: a small prefix and one huge value that stays where it lies.
///
/// It decompresses like any other block, but making it takes no memory and one pass: a cell of 64 MiB goes from its
/// column's memory straight to the sink.
///
/// - LZ4 (raw block): one sequence without a match. Token `0xF0`, the length less 15 as bytes of 255 and a remainder,
///   the literals. A last sequence of literals alone is what every LZ4 block ends with.
/// - Zstandard: a frame with content size and a window of 1 MiB, and raw blocks of at most 128 KiB, each with a header of
///   three bytes (last-block bit, type 0, size). The small window spares readers a buffer of the value's size.
/// - None: the bytes.
@safe struct LiteralBlock {
    private static let blockSize = 128 << 10
    private static let lengthRun = [UInt8](repeating: 255, count: 4096)

    let codec: TargetSpec.Codec
    let prefix: [UInt8]
    /// Memory that the holder of the block keeps alive.
    let value: UnsafeRawBufferPointer

    /// At least 15 bytes in all.
    init(codec: TargetSpec.Codec, prefix: [UInt8], value: UnsafeRawBufferPointer) {
        precondition(prefix.count + value.count >= 15, "a literal block is for large values")
        precondition(prefix.count <= Self.blockSize, "the prefix is small")
        self.codec = codec
        self.prefix = prefix
        unsafe self.value = unsafe value
    }

    /// Bytes that it decompresses to.
    var contentByteCount: Int { unsafe prefix.count + value.count }

    var byteCount: Int {
        switch codec {
        case .none: contentByteCount
        case .lz4: 1 + (contentByteCount - 15) / 255 + 1 + contentByteCount
        case .zstd:
            unsafe 14 + 3 * (1 + (value.count + Self.blockSize - 1) / Self.blockSize) + contentByteCount
        }
    }

    /// Hands the block's bytes on in order, in pieces.
    func forEachPiece<Failure: Error>(
        _ body: (UnsafeRawBufferPointer) throws(Failure) -> Void
    ) throws(Failure) {
        switch codec {
        case .none:
            try unsafe Self.pass(prefix, body)
            try unsafe body(value)
        case .lz4:
            try unsafe Self.pass([0xf0], body)
            var rest = contentByteCount - 15
            while rest >= 255 {
                let count = min(rest / 255, Self.lengthRun.count)
                try unsafe Self.pass(Self.lengthRun[..<count], body)
                rest -= 255 * count
            }
            try unsafe Self.pass([UInt8(rest)] + prefix, body)
            try unsafe body(value)
        case .zstd:
            try unsafe Self.pass(Self.zstdFrameHeader(contentByteCount), body)
            try unsafe Self.pass(Self.zstdBlockHeader(prefix.count, isLast: value.isEmpty) + prefix, body)
            var start = 0
            let count = unsafe value.count
            while start < count {
                let end = min(start + Self.blockSize, count)
                try unsafe Self.pass(Self.zstdBlockHeader(end - start, isLast: end == count), body)
                try unsafe body(UnsafeRawBufferPointer(rebasing: value[start..<end]))
                start = end
            }
        }
    }

    /// Magic number; descriptor (content size in eight bytes, no checksum, no dictionary); window of 2^20; size.
    private static func zstdFrameHeader(_ byteCount: Int) -> [UInt8] {
        [0x28, 0xb5, 0x2f, 0xfd, 0xc0, 10 << 3] + (0..<8).map { UInt8(truncatingIfNeeded: byteCount >> (8 * $0)) }
    }

    private static func zstdBlockHeader(_ byteCount: Int, isLast: Bool) -> [UInt8] {
        let header = byteCount << 3 | (isLast ? 1 : 0)
        return (0..<3).map { UInt8(truncatingIfNeeded: header >> (8 * $0)) }
    }

    private static func pass<Bytes: Collection<UInt8>, Failure: Error>(
        _ bytes: Bytes, _ body: (UnsafeRawBufferPointer) throws(Failure) -> Void
    ) throws(Failure) {
        let copy = ContiguousArray(bytes)
        try unsafe copy.span.bytes.withUnsafeBytes { (pointer) throws(Failure) in try unsafe body(pointer) }
    }
}
