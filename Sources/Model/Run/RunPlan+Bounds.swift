/// What a plan may state. It comes from a keeper, and whoever reads it decides for all runs: nothing in it may overflow a
/// sum, name a place outside its own, or be too long for a message.
extension RunPlan {
    /// Why the plan cannot be adopted; nil when it can.
    ///
    /// - Cost: one look at each text and number.
    package var fault: String? {
        let shardCount = tables.reduce(0) { $0 + $1.shards.count }
        guard tables.count <= Limits.tablesPerPlan, shardCount <= Limits.shardsPerPlan else {
            return "it has more than \(Limits.tablesPerPlan) tables or \(Limits.shardsPerPlan) shards"
        }
        guard Set(tables.map { $0.name.lowercased() }).count == tables.count else { return "two tables have one name" }
        guard sources.count <= Limits.sourcesPerPlan, sources.allSatisfy(\.isBounded) else {
            return "what it says of its sources is out of bounds"
        }
        guard keys.count <= Limits.sourcesPerPlan, keys.allSatisfy({ $0.name.isWord && $0.checkValue.isWord }) else {
            return "what it says of its keys is out of bounds"
        }
        return tables.lazy.compactMap(\.fault).first
    }
}

extension SourceIdentity {
    fileprivate var isBounded: Bool {
        switch self {
        case .postgres(let identity):
            (0...65_535).contains(identity.port) && identity.snapshots.allSatisfy(\.isWord)
                && [
                    identity.name, identity.host, identity.database, identity.serverVersion, identity.serverStart,
                    identity.isolation, identity.walPosition, identity.systemIdentifier ?? "",
                ].allSatisfy(\.isWord)
        case .files(let identity):
            identity.name.isWord && identity.files.count <= Limits.shardsPerPlan
                && identity.files.allSatisfy { file in
                    (0...Limits.countPerPart).contains(file.byteCount) && file.path.isPath && file.sha256.isWord
                        && (file.state?.place ?? "").isWord
                }
        }
    }
}

extension TablePlan {
    /// A table's name becomes a folder's, with every byte that is not plain written as three.
    fileprivate var fault: String? {
        guard (1...Limits.bytesPerTableName).contains(name.utf8.count), name.isWord else {
            return "a table has a name of more than \(Limits.bytesPerTableName) bytes, or none"
        }
        let counts = 0...Limits.countPerTable
        guard counts.contains(estimatedRows), counts.contains(estimatedBytes) else {
            return "\(name): an estimate out of bounds"
        }
        guard columns.allSatisfy(\.isBounded) else { return "\(name): a column out of bounds" }
        for (index, shard) in shards.enumerated() {
            guard shard.index == index else { return "\(name): its shards are not numbered from zero" }
            guard shard.isBounded else { return "\(name), shard \(index): a number or a path out of bounds" }
        }
        return nil
    }
}

extension ColumnPlan {
    fileprivate var isBounded: Bool { name.isWord && (sourceColumn ?? "").isWord && type.isBounded }
}

extension DataType {
    fileprivate var isBounded: Bool {
        switch self {
        case .decimal(let precision, let scale): (1...38).contains(precision) && (0...precision).contains(scale)
        case .list(let element): element.isBounded
        case .structure(let fields):
            !fields.isEmpty && fields.allSatisfy { $0.name.isWord && $0.type.isBounded }
        case .boolean, .int16, .int32, .int64, .float32, .float64, .text, .binary, .date, .timestamp: true
        }
    }
}

extension Shard {
    fileprivate var isBounded: Bool {
        let counts = 0...Limits.countPerPart
        guard counts.contains(estimatedRows), counts.contains(estimatedBytes) else { return false }
        switch piece {
        case .query: return true
        case .blocks(let schema, let relation, let first, let limit):
            return schema.isWord && relation.isWord && limit.map { first <= $0 } ?? true
        case .bytes(let path, let start, let end, let firstRecord, let sha256):
            return path.isPath && counts.contains(start) && counts.contains(end) && start <= end
                && counts.contains(firstRecord) && (sha256 ?? "").isWord
        }
    }
}

extension String {
    /// PostgreSQL, where the ledger may be, has no texts with a zero in them.
    fileprivate var isWord: Bool { utf8.count <= Limits.bytesPerPlanWord && !utf8.contains(0) }
    fileprivate var isPath: Bool { utf8.count <= Limits.bytesPerPlanPath && !utf8.contains(0) }
}
