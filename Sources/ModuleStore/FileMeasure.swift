import Model

/// What a file holds, read once through a buffer of fixed size.
struct FileMeasure {
    let byteCount: Int64
    let sha256: String
    /// `PAR1` at both ends and a footer length that fits between them.
    let isParquet: Bool

    static func of(_ files: FileSystem, _ path: String) throws(StoreError) -> FileMeasure {
        let file = try OpenFile.read(files.absolute(path), subject: path)
        let digest = FileDigest()
        var buffer = [UInt8](repeating: 0, count: Limits.bytesPerWrite)
        var (byteCount, head, tail): (Int64, [UInt8], [UInt8]) = (0, [], [])
        while true {
            let count = try fill(&buffer, from: file, path)
            if count == 0 { break }
            unsafe buffer.withUnsafeBytes { unsafe digest.add(UnsafeRawBufferPointer(rebasing: $0[..<count])) }
            if byteCount == 0 { head = Array(buffer[..<min(4, count)]) }
            tail = Array((tail + buffer[max(0, count - 8)..<count]).suffix(8))
            byteCount += Int64(count)
        }
        let magic = Array("PAR1".utf8)
        let footer = tail.prefix(4).reversed().reduce(Int64(0)) { $0 << 8 | Int64($1) }
        return FileMeasure(
            byteCount: byteCount, sha256: digest.finish(),
            isParquet: byteCount >= 12 && head == magic && Array(tail.suffix(4)) == magic && footer <= byteCount - 12)
    }

    private static func fill(_ buffer: inout [UInt8], from file: borrowing OpenFile, _ path: String)
        throws(StoreError) -> Int
    {
        do {
            return try unsafe buffer.withUnsafeMutableBytes { try unsafe file.read(into: $0) }
        } catch let error as StoreError {
            throw error
        } catch {
            throw StoreError(.inputOutput, path, "cannot read")
        }
    }
}
