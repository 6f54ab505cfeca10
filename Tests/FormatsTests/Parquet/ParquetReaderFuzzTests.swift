import Columnar
import Model
import Testing

@testable import Formats

/// Damaged files: an error or the same values, never a trap.
@Suite("The Parquet reader and damaged files")
struct ParquetReaderFuzzTests {
    private static func columns() -> [TestColumn] {
        let pair = DataType.structure([Field(name: "a", type: .text), Field(name: "b", type: .list(.int16))])
        let types: [DataType] = [
            .boolean, .int16, .int64, .float32, .decimal(precision: 7, scale: 2), .decimal(precision: 30, scale: 0),
            .text,
            .binary, .date, .timestamp(isUTC: true), .list(.list(.text)), pair,
        ]
        return types.enumerated().map { index, type in
            TestColumn(
                name: "c\(index)", type: type,
                cells: SampleCells.cells(
                    type, count: 40, nulls: index & 1 == 0 ? .random : .none, distinct: 6, seed: UInt64(index)))
        }
    }

    private enum Outcome { case refused, same, other }

    private func outcome(_ bytes: [UInt8], _ whole: [String]) throws -> Outcome {
        do {
            return try readBack(MemoryRange(bytes)).exact == whole ? .same : .other
        } catch let error as FormatError {
            #expect(error.code == .brokenStream || error.code == .unsupportedForm)
            return .refused
        }
    }

    @Test(
        "every byte changed: refused, or harmless; a page's bytes are always noticed",
        arguments: TargetSpec.Codec.allCases)
    func bytes(codec: TargetSpec.Codec) throws {
        let seed = UInt64.random(in: 0 ... .max)
        print("damaged files: seed \(seed)")
        var numbers = SeededNumbers(seed: seed)
        let bytes = try Self.columns().parquet(codec: codec)
        let whole = Self.columns().exact
        let description = try ParquetFileDescription(MemoryRange(bytes))
        let footer = Int(description.rowGroups[0].chunks.map { $0.offset + $0.byteCount }.max() ?? 0)
        for index in bytes.indices {
            var damaged = bytes
            damaged[index] ^= UInt8(truncatingIfNeeded: numbers.next() % 255 + 1)
            let outcome = try outcome(damaged, whole)
            // Names, precisions and time zones in the footer are all that can change unnoticed; no checksum covers them.
            #expect(outcome != .other || index >= footer, "byte \(index)")
        }
    }

    @Test("cut off anywhere: refused")
    func truncated() throws {
        let bytes = try Self.columns().parquet()
        for count in 0..<bytes.count {
            #expect(try outcome(Array(bytes.prefix(count)), []) == .refused, "\(count) bytes")
        }
    }

    @Test("pages with lies and a checksum that agrees: never a trap", arguments: TargetSpec.Codec.allCases)
    func pages(codec: TargetSpec.Codec) throws {
        let seed = UInt64.random(in: 0 ... .max)
        print("pages with lies: seed \(seed)")
        var numbers = SeededNumbers(seed: seed)
        let bytes = try Self.columns().parquet(codec: codec)
        let description = try ParquetFileDescription(MemoryRange(bytes))
        var outcomes: [Outcome: Int] = [:]
        for chunk in description.rowGroups[0].chunks {
            var offset = Int(chunk.offset)
            while offset < Int(chunk.offset + chunk.byteCount) {
                var reader = ThriftReader(bytes, range: offset..<bytes.count)
                let header = try #require(try ParquetPageHeader.read(&reader))
                let body = reader.offset..<reader.offset + header.compressedByteCount
                for index in body {
                    for _ in 0..<3 {
                        var damaged = bytes
                        damaged[index] = UInt8(truncatingIfNeeded: numbers.next())
                        var lying = header
                        lying.checksum = unsafe damaged[body].withUnsafeBytes { unsafe ParquetChecksum.of($0) }
                        // Numbers of the header's own length alone: the file stays as long as it was.
                        guard lying.encoded.count == body.lowerBound - offset else { continue }
                        damaged.replaceSubrange(offset..<body.lowerBound, with: lying.encoded)
                        outcomes[try outcome(damaged, []), default: 0] += 1
                    }
                }
                offset = body.upperBound
            }
        }
        #expect(outcomes[.refused, default: 0] > 100 && outcomes[.other, default: 0] > 100)
    }

    @Test("a list that goes on and on, lists within lists: refused before memory or stack is gone")
    func thrift() throws {
        // Field 1, a list of lists of lists ...
        let deep = [0x19] + [UInt8](repeating: 0x19, count: 100_000)
        let long: [UInt8] = [0x19, 0xfc, 0xff, 0xff, 0xff, 0xff, 0x0f]
        let structures = [UInt8](repeating: 0x1c, count: 100_000)
        for metadata in [deep, long, structures, []] {
            let length = (0..<4).map { UInt8(truncatingIfNeeded: metadata.count >> (8 * $0)) }
            let file = ParquetFooter.magic + metadata + length + ParquetFooter.magic
            #expect(try outcome(file, []) == .refused)
        }
    }
}
