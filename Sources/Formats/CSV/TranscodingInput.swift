internal import CKernels
import Model

/// Another encoding, as UTF-8. At bytes that mean no character it gives one byte 0xFF, which is never UTF-8, and ends;
/// `invalidOffset` then says where. So whoever checks the UTF-8 knows the record too.
@safe final class TranscodingInput: ByteSource {
    enum Encoding {
        /// The scalars of bytes 128 to 255; 0: none.
        case singleByte([UInt16])
        case utf16(isBigEndian: Bool)
    }

    private static let blockSize = 64 << 10

    private let inner: any ByteSource
    private let encoding: Encoding
    private let block: UnsafeMutableRawBufferPointer
    private var blockCount = 0
    private let output: UnsafeMutableRawBufferPointer
    private var outputStart = 0
    private var outputEnd = 0
    /// Source bytes that were taken.
    private var taken: Int64 = 0
    private(set) var invalidOffset: Int64?

    init(_ inner: any ByteSource, _ encoding: Encoding) {
        self.inner = inner
        self.encoding = encoding
        unsafe block = .allocate(byteCount: Self.blockSize, alignment: 16)
        unsafe output = .allocate(byteCount: 3 * Self.blockSize + 1, alignment: 16)
    }

    deinit {
        unsafe block.deallocate()
        unsafe output.deallocate()
    }

    func read(into memory: UnsafeMutableRawBufferPointer) throws -> Int {
        if outputStart == outputEnd { try transcode() }
        let count = min(memory.count, outputEnd - outputStart)
        unsafe memory.copyMemory(from: UnsafeRawBufferPointer(rebasing: output[outputStart..<outputStart + count]))
        outputStart += count
        return count
    }

    private func transcode() throws {
        outputStart = 0
        outputEnd = 0
        guard invalidOffset == nil else { return }
        while outputEnd == 0 {
            let rest = unsafe UnsafeMutableRawBufferPointer(rebasing: block[blockCount...])
            let count = unsafe try inner.read(into: rest)
            blockCount += count
            if blockCount == 0 { return }
            let used = convert()
            taken += Int64(used)
            blockCount -= used
            unsafe block.baseAddress!.copyMemory(from: block.baseAddress! + used, byteCount: blockCount)
            // A half character may wait for its other half, which is at most three bytes away.
            if blockCount > 3 || (blockCount > 0 && count == 0) || (blockCount > 0 && isSingleByte) {
                invalidOffset = taken
                unsafe output[outputEnd] = 0xff
                outputEnd += 1
            }
        }
    }

    private var isSingleByte: Bool {
        if case .singleByte = encoding { true } else { false }
    }

    /// Converts what it can of the block; returns how many bytes that was.
    private func convert() -> Int {
        let source = unsafe block.baseAddress!.assumingMemoryBound(to: UInt8.self)
        let target = unsafe output.baseAddress!.assumingMemoryBound(to: UInt8.self)
        switch encoding {
        case .singleByte(let high):
            return unsafe kernel_csv_from_single_byte(source, blockCount, high, target, &outputEnd)
        case .utf16(let isBigEndian):
            return unsafe kernel_csv_from_utf16(source, blockCount, isBigEndian ? 1 : 0, target, &outputEnd)
        }
    }
}

extension TranscodingInput.Encoding {
    /// ISO 8859-1: byte b is U+00b.
    static let latin1 = Self.singleByte((0x80...0xff).map { UInt16($0) })

    /// Windows-1252; 81, 8D, 8F, 90 and 9D have no character (Unicode's CP1252.TXT).
    static let windows1252 = Self.singleByte(
        [
            0x20ac, 0, 0x201a, 0x0192, 0x201e, 0x2026, 0x2020, 0x2021, 0x02c6, 0x2030, 0x0160, 0x2039, 0x0152, 0,
            0x017d, 0, 0, 0x2018, 0x2019, 0x201c, 0x201d, 0x2022, 0x2013, 0x2014, 0x02dc, 0x2122, 0x0161, 0x203a,
            0x0153, 0, 0x017e, 0x0178,
        ] + (0xa0...0xff).map { UInt16($0) })
}
