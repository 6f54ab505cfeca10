import CZlib
import Model
import Testing

@testable import Formats

@Suite("delimited files: encodings and compression")
struct DelimitedEncodingTests {
    private func read(
        _ bytes: [UInt8], step: Int = .max, _ change: (inout DelimitedSpec) -> Void = { _ in }
    ) throws -> Delimited.Table {
        try Delimited.read([.init("a.csv", bytes)], Delimited.spec(change), step: step)
    }

    private func error(_ bytes: [UInt8], _ change: (inout DelimitedSpec) -> Void = { _ in }) -> FormatError? {
        Delimited.formatError { _ = try read(bytes, change) }
    }

    private static let text = "név,b\nárvíztűrő \u{1F600},1\n€,2\n"
    private static let rows = [["árvíztűrő \u{1F600}", "1"], ["€", "2"]]

    private func utf16(_ text: String, isBigEndian: Bool) -> [UInt8] {
        text.utf16.flatMap { isBigEndian ? [UInt8($0 >> 8), UInt8($0 & 0xff)] : [UInt8($0 & 0xff), UInt8($0 >> 8)] }
    }

    @Test("UTF-8 and UTF-16 are known by their byte-order marks", arguments: [1, 2, 3, Int.max])
    func marks(step: Int) throws {
        let variants: [[UInt8]] = [
            Array(Self.text.utf8), [0xef, 0xbb, 0xbf] + Array(Self.text.utf8),
            [0xff, 0xfe] + utf16(Self.text, isBigEndian: false), [0xfe, 0xff] + utf16(Self.text, isBigEndian: true),
        ]
        for bytes in variants {
            let table = try read(bytes, step: step)
            #expect(table.names == ["név", "b"])
            #expect(table.rows == Self.rows)
        }
    }

    @Test("declared encodings are used")
    func declared() throws {
        #expect(try read(utf16(Self.text, isBigEndian: false)) { $0.encoding = .utf16LittleEndian }.rows == Self.rows)
        #expect(try read(utf16(Self.text, isBigEndian: true)) { $0.encoding = .utf16BigEndian }.rows == Self.rows)
        let latin: [UInt8] = Array("a,b\n".utf8) + [0xe1, 0x2c, 0x80, 0x0a, 0xff, 0x2c, 0x31, 0x0a]
        #expect(try read(latin) { $0.encoding = .latin1 }.rows == [["á", "\u{80}"], ["ÿ", "1"]])
        #expect(try read(latin) { $0.encoding = .windows1252 }.rows == [["á", "€"], ["ÿ", "1"]])
    }

    @Test("UTF-16 without a mark is refused, not guessed")
    func unmarked() throws {
        let bytes = utf16("a,b\n1,2\n", isBigEndian: false)
        #expect(error(bytes)?.code == .invalidEncoding)
        #expect(error(bytes) { $0.encoding = .utf16 }?.code == .invalidEncoding)
        #expect(error([0xff, 0xfe, 0, 0, 0x61, 0, 0, 0])?.reason == "the file is UTF-32")
    }

    @Test(
        "invalid bytes are an error with record and byte",
        arguments: [
            [0xff], [0xc0, 0x80], [0xed, 0xa0, 0x80], [0xf4, 0x90, 0x80, 0x80], [0xe2, 0x82], [0x80], [0xc3],
        ] as [[UInt8]])
    func invalid(sequence: [UInt8]) {
        for tail in [[0x0a] + Array("5,6\n".utf8), []] {
            let found = error(Array("a,b\n1,2\n3,x".utf8) + sequence + tail)
            #expect(found?.code == .invalidEncoding)
            #expect(found?.row == 2)
            #expect(found?.file == "a.csv")
            #expect(found?.reason == "byte 11 of the file is not utf-8")
        }
    }

    @Test("what another encoding cannot mean is an error with record and byte")
    func unmappable() {
        let windows = error(Array("a,b\n1,2\n3,".utf8) + [0xe1, 0x81, 0x0a]) { $0.encoding = .windows1252 }
        #expect(windows?.code == .invalidEncoding)
        #expect(windows?.row == 2)
        #expect(windows?.reason == "byte 11 of the file is not windows-1252")
        let start = [0xff, 0xfe] + utf16("a,b\n1,", isBigEndian: false)
        for rest: [UInt8] in [[0x00, 0xd8, 0x0a, 0x00], [0x00, 0xdc], [0x00, 0xd8], [0x31]] {
            let found = error(start + rest)
            #expect(found?.code == .invalidEncoding)
            #expect(found?.row == 1)
            #expect(found?.reason == "byte 14 of the file is not utf-16le")
        }
    }

    @Test(
        "files that are no text are named",
        arguments: [
            ([0x28, 0xb5, 0x2f, 0xfd, 0, 0], "compressed with zstd"),
            ([0x42, 0x5a, 0x68, 0x39, 0x31, 0x41, 0x59], "compressed with bzip2"),
            ([0x50, 0x4b, 3, 4, 0, 0], "a ZIP or XLSX file"), ([0x50, 0x41, 0x52, 0x31, 0x15], "a Parquet file"),
        ] as [([UInt8], String)])
    func foreign(bytes: [UInt8], kind: String) {
        #expect(error(bytes)?.reason == "the file is \(kind), not delimited text")
    }

    @Test("texts that begin like another file are texts")
    func notForeign() throws {
        #expect(try read(Array("BZh,PAR1\n1,2\n".utf8)).names == ["BZh", "PAR1"])
    }

    // MARK: gzip

    static func gzip(_ bytes: [UInt8]) -> [UInt8] {
        var stream = unsafe z_stream()
        unsafe deflateInit2_(
            &stream, 6, Z_DEFLATED, 15 + 16, 8, Z_DEFAULT_STRATEGY, ZLIB_VERSION, CInt(MemoryLayout<z_stream>.size))
        var input = bytes
        var output = [UInt8](repeating: 0, count: bytes.count + 1000)
        unsafe input.withUnsafeMutableBufferPointer { source in
            unsafe output.withUnsafeMutableBufferPointer { target in
                unsafe stream.next_in = source.baseAddress
                unsafe stream.avail_in = UInt32(source.count)
                unsafe stream.next_out = target.baseAddress
                unsafe stream.avail_out = UInt32(target.count)
                unsafe deflate(&stream, Z_FINISH)
            }
        }
        output.removeLast(unsafe Int(stream.avail_out))
        unsafe deflateEnd(&stream)
        return output
    }

    @Test("gzip is read, in one member or several, padded or not", arguments: [1, 7, Int.max])
    func members(step: Int) throws {
        let bytes = Array(Self.text.utf8)
        let empty = Self.gzip([])
        let variants = [
            Self.gzip(bytes), Self.gzip(Array(bytes[..<9])) + empty + Self.gzip(Array(bytes[9...])) + empty,
            Self.gzip(bytes) + [0, 0, 0], Self.gzip([0xfe, 0xff] + utf16(Self.text, isBigEndian: true)),
        ]
        for variant in variants {
            let table = try read(variant, step: step)
            #expect(table.rows == Self.rows)
            #expect(table.names == ["név", "b"])
        }
        let plan = try Delimited.scan([.init("a.csv.gz", variants[1])], Delimited.spec())
        #expect(plan.files[0].isCompressed)
        #expect(plan.files[0].byteCount == variants[1].count)
        #expect(
            plan.shards.map(\.piece) == [
                .bytes(path: "a.csv.gz", start: 0, end: Int64(variants[1].count), firstRecord: 0)
            ])
    }

    @Test("gzip that ends early, is damaged or has other bytes behind it is an error naming the file")
    func brokenGzip() {
        let sound = Self.gzip(Array((Self.text + String(repeating: "x,y\n", count: 500)).utf8))
        var damaged = sound
        damaged[sound.count - 6] ^= 1  // its checksum
        var variants = [damaged, sound + [1], sound + [0, 0, 1], sound + Array(sound[..<12])]
        variants += [10, 11, 40, sound.count - 8, sound.count - 1].map { Array(sound[..<$0]) }
        for variant in variants {
            let found = error(variant)
            #expect(found?.code == .brokenStream)
            #expect(found?.file == "a.csv")
        }
        #expect(error(Array("a,b\n".utf8)) { $0.compression = .gzip }?.code == .brokenStream)
        #expect(error([]) { $0.compression = .gzip }?.code == .brokenStream)
    }

    @Test("a large gzip file passes in blocks")
    func largeGzip() throws {
        let text = "a,b\n" + (0..<200_000).map { "\($0),v\($0 % 7)\n" }.joined()
        let table = try read(Self.gzip(Array(text.utf8)))
        #expect(table.rows.count == 200_000)
        #expect(table.rows[199_999] == ["199999", "v2"])
    }
}
