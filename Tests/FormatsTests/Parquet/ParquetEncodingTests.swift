import CKernels
import CLZ4
import CZstd
import Foundation
import Model
import Testing

@testable import Formats

@Suite("Parquet levels and runs")
struct ParquetHybridTests {
    /// The format read the plain way: a group a step.
    static func decode(_ bytes: [UInt8], count: Int, width: Int) -> [UInt32] {
        var values: [UInt32] = []
        var position = 0
        func varint() -> Int {
            var value = 0
            var shift = 0
            while true {
                let byte = Int(bytes[position])
                position += 1
                value |= (byte & 0x7f) << shift
                shift += 7
                if byte < 0x80 { return value }
            }
        }
        while position < bytes.count {
            let header = varint()
            if header & 1 == 0 {
                var value: UInt32 = 0
                for byte in 0..<(width + 7) / 8 { value |= UInt32(bytes[position + byte]) << (8 * byte) }
                position += (width + 7) / 8
                values += [UInt32](repeating: value, count: header >> 1)
            } else {
                for index in 0..<(header >> 1) * 8 {
                    var value: UInt32 = 0
                    for bit in 0..<width {
                        let at = index * width + bit
                        value |= UInt32(bytes[position + at >> 3] >> UInt8(at & 7) & 1) << bit
                    }
                    values.append(value)
                }
                position += (header >> 1) * width
            }
        }
        // Padding is allowed in the last group alone.
        #expect(values.count >= count && values.count < count + 8)
        return Array(values.prefix(count))
    }

    static func encode(_ indexes: [UInt32], width: Int) -> [UInt8] {
        let bound = kernel_parquet_hybrid_bound(indexes.count, Int32(width))
        return unsafe [UInt8](unsafeUninitializedCapacity: bound) { target, count in
            count = unsafe indexes.withUnsafeBufferPointer {
                unsafe kernel_parquet_hybrid_indexes(
                    $0.baseAddress, $0.count, Int32(width), target.baseAddress)
            }
        }
    }

    static func encode(levels: [UInt8], width: Int) -> [UInt8] {
        let bound = kernel_parquet_hybrid_bound(levels.count, Int32(width))
        return unsafe [UInt8](unsafeUninitializedCapacity: bound) { target, count in
            count = unsafe levels.withUnsafeBufferPointer {
                unsafe kernel_parquet_hybrid_levels($0.baseAddress, $0.count, Int32(width), target.baseAddress)
            }
        }
    }

    @Test("runs of equal numbers and packed groups come back as they were", arguments: [UInt64(1), 2, 3])
    func roundTrip(seed: UInt64) {
        var numbers = SeededNumbers(seed: seed)
        for width in 1...32 {
            for count in [0, 1, 7, 8, 9, 63, 64, 65, 1000] {
                var values: [UInt32] = []
                while values.count < count {
                    let value = UInt32(truncatingIfNeeded: numbers.next() >> UInt64(64 - width))
                    let run = numbers.next() % 3 == 0 ? Int(numbers.next() % 40) : 1
                    values += [UInt32](repeating: value, count: min(run, count - values.count))
                }
                let bytes = Self.encode(values, width: width)
                #expect(bytes.count <= kernel_parquet_hybrid_bound(count, Int32(width)))
                #expect(Self.decode(bytes, count: count, width: width) == values, "width \(width), seed \(seed)")
                if width <= 8 {
                    let levels = values.map(UInt8.init)
                    #expect(Self.encode(levels: levels, width: width) == bytes)
                }
            }
        }
    }

    @Test("levels without nulls are one run")
    func oneRun() {
        #expect(Self.encode(levels: [UInt8](repeating: 1, count: 20_000), width: 1) == [0xc0, 0xb8, 0x02, 1])
    }

    @Test("bits spread and picked from any offset equal the plain way")
    func bits() {
        var numbers = SeededNumbers(seed: 9)
        let bytes = (0..<40).map { _ in UInt8(truncatingIfNeeded: numbers.next()) }
        for first in [0, 1, 7, 8, 13] {
            for count in [0, 1, 7, 8, 9, 64, 65, 300] {
                let flags = (first..<first + count).map { bytes[$0 >> 3] >> UInt8($0 & 7) & 1 }
                var spread = [UInt8](repeating: 9, count: count)
                unsafe kernel_parquet_bits_to_bytes(bytes, first, count, &spread)
                #expect(spread == flags)
                var picked = [Int32](repeating: 0, count: count)
                let kept = unsafe kernel_parquet_select(bytes, first, count, &picked)
                #expect(Array(picked.prefix(kept)) == flags.indices.filter { flags[$0] == 1 }.map { Int32(first + $0) })
                var packed = [UInt8](repeating: 0, count: count / 8 + 1)
                let size = unsafe kernel_parquet_pack_bits(flags, count, &packed)
                #expect(size == (count + 7) / 8)
                #expect(flags.indices.allSatisfy { packed[$0 >> 3] >> UInt8($0 & 7) & 1 == flags[$0] })
            }
        }
    }
}

@Suite("Thrift's compact protocol")
struct ThriftWriterTests {
    @Test("fields, distances, integers, lists and structures have the bytes of the specification")
    func bytes() {
        var writer = ThriftWriter()
        writer.structure {
            $0.field(1, int32: -1)
            $0.field(2, "ab")
            $0.field(3, true)
            $0.field(4, false)
            $0.field(20, int64: 300)
            $0.field(21) { $0.field(1, int8: -2) }
            $0.list(22, of: .int32, count: 2) {
                $0.element(int32: 0)
                $0.element(int32: 64)
            }
            $0.list(23, of: .binary, count: 15) { for _ in 0..<15 { $0.element([]) } }
            $0.field(24, int16: 5)
        }
        #expect(
            writer.bytes == [0x15, 0x01, 0x18, 2, 0x61, 0x62, 0x11, 0x12, 0x06, 40, 0xd8, 0x04, 0x1c, 0x13, 0xfe, 0]
                + [0x19, 0x25, 0, 0x80, 0x01, 0x19, 0xf8, 15] + [UInt8](repeating: 0, count: 15) + [0x14, 10, 0])
    }

    @Test("the largest integers survive", arguments: [Int.min, .max, 0, -1, 1])
    func extremes(value: Int) {
        var writer = ThriftWriter()
        writer.structure { $0.field(1, int64: value) }
        var zigzag: UInt64 = 0
        for (index, byte) in writer.bytes.dropFirst().dropLast().enumerated() {
            zigzag |= UInt64(byte & 0x7f) << UInt64(7 * index)
        }
        #expect(Int(bitPattern: UInt(zigzag >> 1)) ^ -Int(zigzag & 1) == value)
    }
}

@Suite("Blocks of literals alone")
struct LiteralBlockTests {
    static let sizes = [9, 10, 263, 264, 265, 300, 131_071, 131_072, 131_073, 1_000_000]

    private func bytes(_ block: LiteralBlock) -> [UInt8] {
        var result: [UInt8] = []
        unsafe block.forEachPiece { unsafe result += $0 }
        #expect(result.count == block.byteCount)
        return result
    }

    @Test("LZ4 and Zstandard decompress them to prefix and value", arguments: sizes)
    func decompress(size: Int) {
        let prefix = (0..<6).map { UInt8($0) }
        let value = (0..<size).map { UInt8(truncatingIfNeeded: $0 * 7) }
        unsafe value.withUnsafeBytes { pointer in
            for codec in TargetSpec.Codec.allCases {
                let block = unsafe LiteralBlock(codec: codec, prefix: prefix, value: pointer)
                let packed = bytes(block)
                var plain = [UInt8](repeating: 0, count: prefix.count + size)
                switch codec {
                case .none: plain = packed
                case .lz4:
                    let written = unsafe packed.withUnsafeBytes { source in
                        unsafe plain.withUnsafeMutableBytes { target in
                            unsafe LZ4_decompress_safe(
                                source.baseAddress!.assumingMemoryBound(to: CChar.self),
                                target.baseAddress!.assumingMemoryBound(to: CChar.self), Int32(source.count),
                                Int32(target.count))
                        }
                    }
                    #expect(Int(written) == plain.count)
                case .zstd:
                    let room = plain.count
                    let written = unsafe ZSTD_decompress(&plain, room, packed, packed.count)
                    #expect(written == room)
                    #expect(unsafe ZSTD_getFrameContentSize(packed, packed.count) == UInt64(room))
                }
                #expect(plain == prefix + value)
            }
        }
    }
}
