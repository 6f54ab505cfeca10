/// Names of the files of a module, relative to its folder. Pure: nothing here touches a disk.
///
///     _versions/00000007.json            commit record; its existence is version 7
///     _versions/00000007.withdrawn.json  tombstone
///     _latest.json                       a hint
///     _staging/<attempt>/<table>/part-00000.e0001.parquet   parts of running attempts, one file an epoch
///     runs/<attempt>/                    what a version is made of, never changed once referenced
///         croissant.json protocol.json SHA256SUMS lineage/ report/ data/<table>/part-00000.parquet
package enum ModuleLayout {
    package static let versionsFolder = "_versions"
    package static let stagingFolder = "_staging"
    package static let runsFolder = "runs"
    package static let latestHint = "_latest.json"

    package static func commitRecord(version: Int) -> String { "\(versionsFolder)/\(padded(version, 8)).json" }
    package static func tombstone(version: Int) -> String { "\(versionsFolder)/\(padded(version, 8)).withdrawn.json" }
    package static func run(_ attempt: String) -> String { "\(runsFolder)/\(attempt)" }
    package static func part(table: String, shard: Int) -> String { "data/\(table)/part-\(padded(shard, 5)).parquet" }

    package static func stagedPart(attempt: String, table: String, shard: Int, epoch: Int) -> String {
        "\(stagingFolder)/\(attempt)/\(table)/part-\(padded(shard, 5)).e\(padded(epoch, 4)).parquet"
    }

    private static func padded(_ number: Int, _ width: Int) -> String {
        let digits = String(number)
        return String(repeating: "0", count: max(0, width - digits.count)) + digits
    }
}
