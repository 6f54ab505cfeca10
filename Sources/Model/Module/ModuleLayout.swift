/// Names of the files of a module, relative to its folder. Pure: nothing here touches a disk.
///
///     _versions/00000007.json            commit record; its existence is version 7
///     _versions/00000007.withdrawn.json  tombstone
///     _latest.json                       a hint
///     _staging/<attempt>/_open           a cluster works on the attempt; see `Store.beginAttempt`
///     _staging/<attempt>/<table>/part-00000.e0001.parquet   parts of running attempts, one file an epoch
///     runs/<attempt>/                    what a version is made of, never changed once referenced
///         croissant.json protocol.json SHA256SUMS SHA256SUMS.sig lineage/ report/ data/<table>/part-00000.parquet
///
/// `<table>` is the table's name as `identifier` writes it; so are the tables' names in a commit record and in JSON-LD.
package enum ModuleLayout {
    package static let versionsFolder = "_versions"
    package static let stagingFolder = "_staging"
    package static let runsFolder = "runs"
    package static let latestHint = "_latest.json"

    // Relative to a run's folder.
    package static let sums = "SHA256SUMS"
    package static let signature = "SHA256SUMS.sig"
    package static let croissant = "croissant.json"
    package static let protocolFile = "protocol.json"
    package static let accounting = "report/accounting.json"
    package static let lineageStart = "lineage/start.json"
    package static let lineageComplete = "lineage/complete.json"

    package static func commitRecord(version: Int) -> String { "\(versionsFolder)/\(padded(version, 8)).json" }
    package static func tombstone(version: Int) -> String { "\(versionsFolder)/\(padded(version, 8)).withdrawn.json" }
    package static func run(_ attempt: String) -> String { "\(runsFolder)/\(attempt)" }
    package static func staging(_ attempt: String) -> String { "\(stagingFolder)/\(attempt)" }
    /// No table's folder can have its name.
    package static func openMark(_ attempt: String) -> String { "\(staging(attempt))/_open" }
    package static func folder(table: String) -> String { "data/\(identifier(table))" }
    package static func part(table: String, shard: Int) -> String {
        "\(folder(table: table))/part-\(padded(shard, 5)).parquet"
    }

    package static func stagedPart(attempt: String, table: String, shard: Int, epoch: Int) -> String {
        "\(staging(attempt))/\(identifier(table))/part-\(padded(shard, 5)).e\(padded(epoch, 4)).parquet"
    }

    /// A version number from the name of a file in `_versions`, or nil for every other file there.
    package static func version(commitRecordName name: String) -> Int? {
        guard name.hasSuffix(".json") else { return nil }
        let digits = name.dropLast(5)
        guard digits.count >= 8, digits.utf8.allSatisfy({ (0x30...0x39).contains($0) }), let version = Int(digits),
            version > 0, commitRecord(version: version) == "\(versionsFolder)/\(name)"
        else { return nil }
        return version
    }

    /// A name of a table or column as one segment of a path, an IRI or a glob that means exactly itself.
    ///
    /// Letters and digits of ASCII, `-`, `_`, `~` and `.` stay; every other byte of the UTF-8 form is written `%41`, and
    /// so are a leading `.` or `_`, because many readers skip files named so. Different names give different results.
    package static func identifier(_ name: String) -> String {
        var out = ""
        for (index, byte) in name.utf8.enumerated() {
            let isPlain: Bool =
                switch byte {
                case 0x30...0x39, 0x41...0x5a, 0x61...0x7a, UInt8(ascii: "-"), UInt8(ascii: "~"): true
                case UInt8(ascii: "."), UInt8(ascii: "_"): index > 0
                default: false
                }
            if isPlain {
                out.unicodeScalars.append(Unicode.Scalar(byte))
            } else {
                let hex = String(byte, radix: 16, uppercase: true)
                out += hex.utf8.count == 1 ? "%0\(hex)" : "%\(hex)"
            }
        }
        return out
    }

    private static func padded(_ number: Int, _ width: Int) -> String {
        let digits = String(number)
        return String(repeating: "0", count: max(0, width - digits.count)) + digits
    }
}
