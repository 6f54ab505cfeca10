import Model

/// What a file holds, read once in pieces of fixed size.
struct FileMeasure {
    let byteCount: Int64
    let sha256: String
    /// `PAR1` at both ends and a footer length that fits between them.
    let isParquet: Bool

    /// - Parameter reach: told of the bytes of each piece.
    static func of(_ file: any ByteRange, reach: (Int64) -> Void = { _ in }) throws -> FileMeasure {
        let digest = FileDigest()
        var (byteCount, head, tail): (Int64, [UInt8], [UInt8]) = (0, [], [])
        while true {
            let piece = try file.read(offset: byteCount, count: Limits.bytesPerRead)
            if piece.isEmpty { break }
            unsafe piece.withUnsafeBytes { unsafe digest.add($0) }
            if byteCount == 0 { head = Array(piece.prefix(4)) }
            tail = Array((tail + piece.suffix(8)).suffix(8))
            byteCount += Int64(piece.count)
            reach(Int64(piece.count))
        }
        let magic = Array("PAR1".utf8)
        let footer = tail.prefix(4).reversed().reduce(Int64(0)) { $0 << 8 | Int64($1) }
        return FileMeasure(
            byteCount: byteCount, sha256: digest.finish(),
            isParquet: byteCount >= 12 && head == magic && Array(tail.suffix(4)) == magic && footer <= byteCount - 12)
    }
}
