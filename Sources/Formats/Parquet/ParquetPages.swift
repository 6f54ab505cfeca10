internal import CZlib
internal import Model

/// Numbers of the format that pages and column chunks are described with.
enum ParquetEncoding: Int {
    case plain = 0
    case rle = 3
    case rleDictionary = 8
}

enum ParquetPageType: Int {
    case data = 0
    case dictionary = 2
}

extension TargetSpec.Codec {
    /// LZ4 is `LZ4_RAW`: number 5, `LZ4`, means Hadoop's framing and is never written.
    var parquetNumber: Int {
        switch self {
        case .none: 0
        case .zstd: 6
        case .lz4: 7
        }
    }
}

/// The header in front of each page: what follows, its size before and after compression, and the CRC-32 of the bytes
/// as they follow.
struct ParquetPageHeader {
    /// No header that is written here is longer.
    static let byteLimit = 64

    var type: ParquetPageType
    var uncompressedByteCount: Int
    var compressedByteCount: Int
    var checksum: UInt32
    var valueCount: Int
    var encoding: ParquetEncoding

    var encoded: [UInt8] {
        precondition(max(uncompressedByteCount, compressedByteCount) <= Int(Int32.max), "a page is below 2 GiB")
        var writer = ThriftWriter()
        writer.structure {
            $0.field(1, int32: type.rawValue)
            $0.field(2, int32: uncompressedByteCount)
            $0.field(3, int32: compressedByteCount)
            $0.field(4, int32: Int(Int32(bitPattern: checksum)))
            switch type {
            case .data:
                $0.field(5) {
                    $0.field(1, int32: valueCount)
                    $0.field(2, int32: encoding.rawValue)
                    $0.field(3, int32: ParquetEncoding.rle.rawValue)
                    $0.field(4, int32: ParquetEncoding.rle.rawValue)
                }
            case .dictionary:
                $0.field(7) {
                    $0.field(1, int32: valueCount)
                    $0.field(2, int32: encoding.rawValue)
                    $0.field(3, false)
                }
            }
        }
        return writer.bytes
    }
}

/// CRC-32 (the gzip one) over pieces.
struct ParquetChecksum {
    private(set) var value: UInt32 = 0

    mutating func update(_ bytes: UnsafeRawBufferPointer) {
        // Without an address zlib starts anew.
        guard unsafe !bytes.isEmpty else { return }
        value = unsafe UInt32(
            crc32_z(UInt(value), bytes.baseAddress?.assumingMemoryBound(to: UInt8.self), bytes.count))
    }

    static func of(_ bytes: UnsafeRawBufferPointer) -> UInt32 {
        var checksum = ParquetChecksum()
        unsafe checksum.update(bytes)
        return checksum.value
    }
}
