internal import CLZ4
internal import CZstd
internal import Model

/// Versions of the libraries that the bytes of compressed pages depend on.
package enum CodecLibraries {
    /// `lz4 1.9.4, zstd 1.5.4`
    package static var versions: String {
        unsafe "lz4 \(String(cString: LZ4_versionString())), zstd \(String(cString: ZSTD_versionString()))"
    }
}

/// Compresses blocks of bytes, each by itself: a raw LZ4 block (no frame, no length in front) or one Zstandard frame.
///
/// Keeps its working memory between calls. Equal bytes give equal results under equal library versions.
@safe final class BlockCompressor {
    /// Zstandard's own default: a third smaller than LZ4 at a quarter of its speed.
    private static let zstdLevel: Int32 = 3

    let codec: TargetSpec.Codec
    private let zstd: OpaquePointer?

    init(codec: TargetSpec.Codec) {
        self.codec = codec
        unsafe zstd = codec == .zstd ? ZSTD_createCCtx() : nil
        if codec == .zstd { unsafe precondition(zstd != nil, "out of memory") }
    }

    deinit { unsafe ZSTD_freeCCtx(zstd) }

    /// Bytes that the result of `byteCount` bytes may take at most.
    func bound(_ byteCount: Int) -> Int {
        switch codec {
        case .lz4: Int(LZ4_compressBound(Int32(byteCount)))
        case .zstd: ZSTD_compressBound(byteCount)
        case .none: byteCount
        }
    }

    /// Writes `source` compressed to `target`, which has room for `bound(source.count)` bytes; returns the bytes written.
    ///
    /// No bytes have a result as well: a valid empty block.
    func compress(_ source: UnsafeRawBufferPointer, into target: UnsafeMutableRawPointer) -> Int {
        switch codec {
        case .lz4:
            let written = unsafe LZ4_compress_default(
                source.baseAddress?.assumingMemoryBound(to: CChar.self), target.assumingMemoryBound(to: CChar.self),
                Int32(source.count), LZ4_compressBound(Int32(source.count)))
            precondition(written > 0, "a block of the bound's size always fits")
            return Int(written)
        case .zstd:
            let written = unsafe ZSTD_compressCCtx(
                zstd, target, ZSTD_compressBound(source.count), source.baseAddress, source.count, Self.zstdLevel)
            precondition(ZSTD_isError(written) == 0, "a frame of the bound's size always fits")
            return written
        case .none:
            if let base = source.baseAddress { unsafe target.copyMemory(from: base, byteCount: source.count) }
            return source.count
        }
    }
}

/// Takes blocks apart again. The bytes come from the world: a block that is not what it says is refused.
@safe final class BlockDecompressor {
    private var zstd: OpaquePointer?

    init() {}

    deinit { unsafe ZSTD_freeDCtx(zstd) }

    /// Writes the `byteCount` bytes that `source` stands for to `target`; false when they are not exactly as many or the
    /// block is broken, and what `target` then holds means nothing.
    func decompress(
        _ source: UnsafeRawBufferPointer, codec: TargetSpec.Codec, into target: UnsafeMutableRawPointer, byteCount: Int
    ) -> Bool {
        switch codec {
        case .none:
            guard source.count == byteCount else { return false }
            if let base = source.baseAddress { unsafe target.copyMemory(from: base, byteCount: byteCount) }
            return true
        case .lz4:
            guard source.count <= Int(Int32.max), byteCount <= Int(Int32.max) else { return false }
            return unsafe Int(
                LZ4_decompress_safe(
                    source.baseAddress?.assumingMemoryBound(to: CChar.self), target.assumingMemoryBound(to: CChar.self),
                    Int32(source.count), Int32(byteCount))) == byteCount
        case .zstd:
            if unsafe zstd == nil { unsafe zstd = ZSTD_createDCtx() }
            let written = unsafe ZSTD_decompressDCtx(zstd, target, byteCount, source.baseAddress, source.count)
            return ZSTD_isError(written) == 0 && written == byteCount
        }
    }
}
