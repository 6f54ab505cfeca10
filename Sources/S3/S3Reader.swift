internal import Model

/// Reads an object, or a range of it, from its start by ranges of 8 MiB, one in memory at a time.
///
/// Every range is asked for of the same ETag: an object that is replaced meanwhile ends the reading with `.changed`,
/// never with a mixture. A broken transfer repeats its range alone.
package final class S3Reader: ByteSource {
    /// Of the range that is read.
    package let byteCount: Int64
    private let end: Int64
    private let client: S3Client
    private let key: String
    private let etag: String?
    private let rangeByteCount: Int
    private var offset: Int64 = 0
    private var piece: [UInt8] = []
    private var pieceOffset = 0

    init(_ client: S3Client, _ key: String, _ info: S3ObjectInfo, rangeByteCount: Int) {
        self.client = client
        self.key = key
        byteCount = info.byteCount
        end = info.byteCount
        etag = info.etag
        self.rangeByteCount = rangeByteCount
    }

    /// - Parameter range: must lie inside the object, and may be empty.
    package init(_ client: S3Client, _ key: String, range: Range<Int64>, etag: String, rangeByteCount: Int = 8 << 20) {
        self.client = client
        self.key = key
        byteCount = Int64(range.count)
        offset = range.lowerBound
        end = range.upperBound
        self.etag = etag
        self.rangeByteCount = rangeByteCount
    }

    package func read(into memory: UnsafeMutableRawBufferPointer) throws -> Int {
        if pieceOffset == piece.count {
            guard offset < end else { return 0 }
            let next = min(offset + Int64(rangeByteCount), end)
            piece = []
            piece = try client.get(key, range: offset..<next, limit: rangeByteCount, ifMatch: etag)
            pieceOffset = 0
            offset = next
        }
        let count = min(memory.count, piece.count - pieceOffset)
        unsafe piece.withUnsafeBytes { bytes in
            unsafe memory.copyMemory(from: UnsafeRawBufferPointer(rebasing: bytes[pieceOffset..<pieceOffset + count]))
        }
        pieceOffset += count
        return count
    }
}

extension S3Client {
    /// - Throws: `.notFound`.
    package func getStream(_ key: String, rangeByteCount: Int = 8 << 20) throws(S3Error) -> S3Reader {
        guard let info = try head(key) else {
            throw S3Error(.notFound, action: "get", key: key, "it is not there", status: 404)
        }
        return S3Reader(self, key, info, rangeByteCount: rangeByteCount)
    }
}
