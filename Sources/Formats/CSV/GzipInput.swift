import CZlib
import Model

/// Gzip, decompressed while it is read: one member or several (RFC 1952, 2.2), so bgzf too. Zero bytes after the last
/// member are padding; anything else there is an error, as is an early end.
///
/// - Cost: one block of compressed bytes and zlib's 32 KiB window, whatever the file's size.
@safe final class GzipInput: ByteSource {
    private static let blockSize = 128 << 10

    private let inner: any ByteSource
    private let file: String
    // On the heap: zlib keeps a pointer back to it.
    private let stream: UnsafeMutablePointer<z_stream>
    private let block: UnsafeMutableRawBufferPointer
    private var isInMember = true
    private var isPadded = false
    private var isAtEnd = false

    init(_ inner: any ByteSource, file: String) {
        self.inner = inner
        self.file = file
        unsafe stream = .allocate(capacity: 1)
        unsafe stream.initialize(to: z_stream())
        unsafe block = .allocate(byteCount: Self.blockSize, alignment: 16)
        // 15 + 16: the largest window, gzip framing alone.
        let result = unsafe inflateInit2_(stream, 15 + 16, ZLIB_VERSION, CInt(MemoryLayout<z_stream>.size))
        precondition(result == Z_OK, "zlib starts")
    }

    deinit {
        unsafe inflateEnd(stream)
        unsafe stream.deallocate()
        unsafe block.deallocate()
    }

    func read(into memory: UnsafeMutableRawBufferPointer) throws -> Int {
        unsafe stream.pointee.next_out = memory.baseAddress!.assumingMemoryBound(to: UInt8.self)
        unsafe stream.pointee.avail_out = UInt32(clamping: memory.count)
        let room = unsafe stream.pointee.avail_out
        while !isAtEnd, unsafe stream.pointee.avail_out == room {
            guard try hasCompressedBytes() else {
                if isInMember { throw broken("the file ends within its gzip stream") }
                isAtEnd = true
                break
            }
            if !isInMember {
                skipPadding()
                if unsafe stream.pointee.avail_in == 0 { continue }
                if isPadded { throw broken("the file holds other bytes after its gzip stream") }
                unsafe inflateReset(stream)
                isInMember = true
            }
            switch unsafe inflate(stream, Z_NO_FLUSH) {
            case Z_OK, Z_BUF_ERROR: break
            case Z_STREAM_END: isInMember = false
            default: throw broken("the file is not sound gzip")
            }
        }
        return unsafe Int(room - stream.pointee.avail_out)
    }

    private func hasCompressedBytes() throws -> Bool {
        if unsafe stream.pointee.avail_in > 0 { return true }
        let count = unsafe try inner.read(into: block)
        unsafe stream.pointee.next_in = block.baseAddress!.assumingMemoryBound(to: UInt8.self)
        unsafe stream.pointee.avail_in = UInt32(count)
        return count > 0
    }

    private func skipPadding() {
        while unsafe stream.pointee.avail_in > 0, unsafe stream.pointee.next_in.pointee == 0 {
            unsafe stream.pointee.next_in += 1
            unsafe stream.pointee.avail_in -= 1
            isPadded = true
        }
    }

    private func broken(_ reason: String) -> FormatError {
        FormatError(.brokenStream, file: file, reason: reason, remedy: "copy the file again from where it comes from")
    }
}
