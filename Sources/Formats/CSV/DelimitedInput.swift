import Model

/// A file's bytes as UTF-8 without byte-order mark, whatever they are on disk: decompressed, then transcoded, block by
/// block.
struct DelimitedInput {
    let bytes: any ByteSource
    let transcoder: TranscodingInput?
    let encoding: DelimitedSpec.Encoding
    let isCompressed: Bool
    /// Bytes of the byte-order mark that was passed.
    let markLength: Int

    /// One byte, one character: transcoding keeps places countable.
    var isSingleByte: Bool { encoding == .latin1 || encoding == .windows1252 }
    /// Any record of the file can be read without those before it.
    var isSeekable: Bool { !isCompressed && (encoding == .utf8 || isSingleByte) }

    /// - Parameter isAtStart: `source` gives the file from its first byte; otherwise from a record of a seekable file.
    /// - Throws: `FormatError.invalidEncoding` for a file that is neither text nor gzip, or UTF-16 without a mark.
    init(_ spec: DelimitedSpec, source: any ByteSource, file: String, isAtStart: Bool) throws {
        guard isAtStart else {
            encoding = spec.encoding ?? .utf8
            isCompressed = false
            markLength = 0
            (bytes, transcoder) = Self.transcoded(source, encoding)
            return
        }
        var (head, input) = try Self.peek(source)
        isCompressed = spec.compression.map { $0 == .gzip } ?? head.starts(with: [0x1f, 0x8b])
        if isCompressed {
            (head, input) = try Self.peek(GzipInput(input, file: file))
        } else if let kind = Self.foreignKind(head) {
            throw FormatError(
                .invalidEncoding, file: file, reason: "the file is \(kind), not delimited text",
                remedy: "convert it to plain or gzip-compressed text first")
        }
        let mark: [UInt8]
        (encoding, mark) = try Self.encoding(spec, head, file: file)
        if head.starts(with: mark) {
            markLength = mark.count
            input.drop(mark.count)
        } else {
            markLength = 0
        }
        (bytes, transcoder) = Self.transcoded(input, encoding)
    }

    /// The encoding, and the mark that may stand before it.
    private static func encoding(
        _ spec: DelimitedSpec, _ head: ArraySlice<UInt8>, file: String
    ) throws(FormatError) -> (DelimitedSpec.Encoding, mark: [UInt8]) {
        let marks: [(DelimitedSpec.Encoding, [UInt8])] = [
            (.utf8, [0xef, 0xbb, 0xbf]), (.utf16LittleEndian, [0xff, 0xfe]), (.utf16BigEndian, [0xfe, 0xff]),
        ]
        let found = marks.first { head.starts(with: $0.1) }
        func undecided(_ reason: String) -> FormatError {
            FormatError(
                .invalidEncoding, file: file, reason: reason, remedy: "declare `encoding:` utf-16le or utf-16be")
        }
        switch spec.encoding {
        case nil:
            if head.starts(with: [0xff, 0xfe, 0, 0]) || head.starts(with: [0, 0, 0xfe, 0xff]) {
                throw FormatError(
                    .invalidEncoding, file: file, reason: "the file is UTF-32", remedy: "convert it to UTF-8")
            }
            if let found { return found }
            if head.count >= 2, head.prefix(2).contains(0) {
                throw undecided("the file looks like UTF-16 without a byte-order mark")
            }
            return (.utf8, [])
        case .utf16:
            guard let found, found.0 != .utf8 else { throw undecided("the UTF-16 file has no byte-order mark") }
            return found
        case .utf8, .utf16LittleEndian, .utf16BigEndian:
            return marks.first { $0.0 == spec.encoding }!
        case .latin1: return (.latin1, [])
        case .windows1252: return (.windows1252, [])
        }
    }

    private static func foreignKind(_ head: ArraySlice<UInt8>) -> String? {
        let kinds: [([UInt8], String)] = [
            ([0x28, 0xb5, 0x2f, 0xfd], "compressed with zstd"), ([0x42, 0x5a, 0x68], "compressed with bzip2"),
            ([0xfd, 0x37, 0x7a, 0x58, 0x5a, 0], "compressed with xz"), ([0x50, 0x4b, 3, 4], "a ZIP or XLSX file"),
            ([0xd0, 0xcf, 0x11, 0xe0], "an XLS file"), ([0x50, 0x41, 0x52, 0x31, 0x15], "a Parquet file"),
        ]
        // "BZh" may begin a text; a digit from 1 to 9 and the block's magic number follow in bzip2.
        return kinds.first {
            head.starts(with: $0.0) && ($0.0.count > 3 || head.dropFirst(4).starts(with: [0x31, 0x41]))
        }?.1
    }

    private static func transcoded(
        _ input: any ByteSource, _ encoding: DelimitedSpec.Encoding
    ) -> (any ByteSource, TranscodingInput?) {
        let transcoder: TranscodingInput
        switch encoding {
        case .utf8: return (input, nil)
        case .latin1: transcoder = TranscodingInput(input, .latin1)
        case .windows1252: transcoder = TranscodingInput(input, .windows1252)
        case .utf16, .utf16LittleEndian: transcoder = TranscodingInput(input, .utf16(isBigEndian: false))
        case .utf16BigEndian: transcoder = TranscodingInput(input, .utf16(isBigEndian: true))
        }
        return (transcoder, transcoder)
    }

    private static func peek(_ source: any ByteSource) throws -> (ArraySlice<UInt8>, PeekedInput) {
        let input = try PeekedInput(source)
        return (input.head, input)
    }
}

/// A source whose first bytes were looked at.
final class PeekedInput: ByteSource {
    private let inner: any ByteSource
    private(set) var head: ArraySlice<UInt8>

    init(_ inner: any ByteSource) throws {
        self.inner = inner
        var bytes = [UInt8](repeating: 0, count: 8)
        var count = 0
        while count < bytes.count {
            let got = try unsafe bytes.withUnsafeMutableBytes {
                unsafe try inner.read(into: UnsafeMutableRawBufferPointer(rebasing: $0[count...]))
            }
            if got == 0 { break }
            count += got
        }
        head = bytes[..<count]
    }

    func drop(_ count: Int) { head = head.dropFirst(count) }

    func read(into memory: UnsafeMutableRawBufferPointer) throws -> Int {
        if head.isEmpty { return unsafe try inner.read(into: memory) }
        let count = min(head.count, memory.count)
        unsafe memory.copyBytes(from: head.prefix(count))
        head = head.dropFirst(count)
        return count
    }
}

/// Counts the bytes that pass.
final class CountedInput: ByteSource {
    private let inner: any ByteSource
    private(set) var byteCount: Int64 = 0

    init(_ inner: any ByteSource) { self.inner = inner }

    func read(into memory: UnsafeMutableRawBufferPointer) throws -> Int {
        let count = unsafe try inner.read(into: memory)
        byteCount += Int64(count)
        return count
    }

    /// Reads to the end, for whoever looks at the bytes on their way.
    func drain() throws {
        let memory = UnsafeMutableRawBufferPointer.allocate(byteCount: 16 << 10, alignment: 16)
        defer { unsafe memory.deallocate() }
        while unsafe try read(into: memory) > 0 {}
    }
}
