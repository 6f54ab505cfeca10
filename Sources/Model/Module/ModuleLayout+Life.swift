/// Names that belong to what is done with versions after they were published.
///
///     _versions/00000007.pulled             version 7 was brought here alone: the ones before it need not be here
///     _copies/<mark>/<attempt>              the files of <attempt> are being copied into this store; `mark` is a UUID v7
///     _sweeps/<mark>/<attempt>              the files of <attempt> are being removed
///
/// A copied run keeps its attempt's id, which is as old as the version: the age of the mark says that somebody is at it.
/// Copy and sweep each raise their mark and look for the other's afterwards, so one of the two sees the other.
extension ModuleLayout {
    package static func pulledMark(version: Int) -> String {
        String(commitRecord(version: version).dropLast(5)) + ".pulled"
    }

    package static let copiesFolder = "_copies"
    package static func copies(mark: String) -> String { "\(copiesFolder)/\(mark)" }
    package static func copy(mark: String, of attempt: String) -> String { "\(copies(mark: mark))/\(attempt)" }

    package static let sweepsFolder = "_sweeps"
    package static func sweeps(mark: String) -> String { "\(sweepsFolder)/\(mark)" }
    package static func sweep(mark: String, of attempt: String) -> String { "\(sweeps(mark: mark))/\(attempt)" }

    /// The table and the shard of a path that `part` made; nil for every other path.
    package static func place(ofPart path: String) -> (table: String, shard: Int)? {
        let segments = path.split(separator: "/", omittingEmptySubsequences: false)
        guard segments.count == 3, segments[2].hasPrefix("part-"), segments[2].hasSuffix(".parquet"),
            let shard = Int(segments[2].dropFirst(5).dropLast(8)), shard >= 0, let table = name(segments[1]),
            part(table: table, shard: shard) == path
        else { return nil }
        return (table, shard)
    }

    /// The inverse of `identifier`.
    private static func name(_ identifier: Substring) -> String? {
        var bytes: [UInt8] = []
        var rest = identifier.utf8[...]
        while let byte = rest.popFirst() {
            if byte != UInt8(ascii: "%") {
                bytes.append(byte)
                continue
            }
            guard rest.count >= 2, let value = UInt8(String(Substring(rest.prefix(2))), radix: 16) else { return nil }
            bytes.append(value)
            rest = rest.dropFirst(2)
        }
        return String(validating: bytes, as: UTF8.self)
    }
}
