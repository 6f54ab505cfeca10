internal import Model

/// Names of schemas and tables. All of them have at most 63 bytes and say what they belong to.
enum PostgresNames {
    static let registry = "etl"

    /// `clinic__01936f2ab3c4d5e6f7a8`: the module, and of the attempt its time and 32 of its random bits.
    static func schema(module: String, attempt: String) -> String {
        "\(module.prefix(PostgresBounds.bytesPerName - 22))__\(short(attempt))"
    }

    /// A withdrawn version's, until its tables are gone. No version has such a name.
    static func withdrawnSchema(attempt: String) -> String { "withdrawn~\(short(attempt))" }

    /// A staged part's table: no published table has such a name.
    static func staged(table: String, shard: Int, epoch: Int) -> String {
        "part~\(FileDigest.hexadecimal(Array(table.utf8)).prefix(16))~\(shard)~\(epoch)"
    }

    /// A part of a published table that has several.
    static func part(table: String, shard: Int) -> String {
        let number = String(shard)
        let padded = String(repeating: "0", count: max(0, 5 - number.count)) + number
        // No two tables begin alike in a digest.
        let stem =
            table.utf8.count + padded.count + 1 <= PostgresBounds.bytesPerName
            ? table : String(FileDigest.hexadecimal(Array(table.utf8)).prefix(24))
        return "\(stem)~\(padded)"
    }

    private static func short(_ attempt: String) -> String {
        let digits = attempt.filter { $0 != "-" }
        return String(digits.prefix(12) + digits.suffix(8))
    }
}
