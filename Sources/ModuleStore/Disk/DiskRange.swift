import Model

/// A file on disk, read from any place.
final class DiskRange: ByteRange {
    let byteCount: Int64
    private let file: OpenFile

    init(_ files: FileSystem, _ path: String) throws(StoreError) {
        guard let status = try files.status(path), !status.isFolder else {
            throw StoreError(.notFound, path, "no such file")
        }
        byteCount = status.byteCount
        file = try OpenFile.read(files.absolute(path), subject: path)
    }

    func read(offset: Int64, count: Int) throws -> [UInt8] {
        try unsafe [UInt8](unsafeUninitializedCapacity: count) { buffer, filled in
            filled = try unsafe file.read(into: UnsafeMutableRawBufferPointer(buffer), at: offset)
        }
    }
}
