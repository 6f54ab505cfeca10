import Model
import S3

/// An object read by ranges, all of the same ETag: one that is replaced meanwhile is an error, never a mixture.
final class S3Range: ByteRange {
    let byteCount: Int64
    private let storage: S3Storage
    private let path: String
    private let etag: String?

    init(storage: S3Storage, path: String, info: S3ObjectInfo) {
        self.storage = storage
        self.path = path
        byteCount = info.byteCount
        etag = info.etag
    }

    func read(offset: Int64, count: Int) throws -> [UInt8] {
        let end = min(offset + Int64(count), byteCount)
        guard offset < end else { return [] }
        return try storage.asking(path) { () throws(S3Error) in
            try storage.client.get(path, range: offset..<end, limit: count, ifMatch: etag)
        }
    }
}
