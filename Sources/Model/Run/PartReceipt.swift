/// What a worker states of a finished part. The coordinator accepts one receipt a shard; accepted ones are the manifest.
package struct PartReceipt: Sendable, Codable, Equatable {
    package var table: String
    package var shard: Int
    package var epoch: Int
    /// Where the part is staged, relative to the module's folder.
    package var stagedPath: String
    package var byteCount: Int64
    package var sha256: String
    package var rows: RowAccount
    package var rules: [RuleCount]
    /// What the store needs to know to accept the part; nil on disk.
    package var handle: String?

    package init(
        table: String, shard: Int, epoch: Int, stagedPath: String, byteCount: Int64, sha256: String, rows: RowAccount,
        rules: [RuleCount], handle: String? = nil
    ) {
        self.table = table
        self.shard = shard
        self.epoch = epoch
        self.stagedPath = stagedPath
        self.byteCount = byteCount
        self.sha256 = sha256
        self.rows = rows
        self.rules = rules
        self.handle = handle
    }

    /// Its rows add up, no count is beyond what a part can have, so that sums over all parts fit in 64 bits, and its digest
    /// is one.
    package var isSound: Bool {
        guard sha256.utf8.count == 64,
            sha256.utf8.allSatisfy({ (0x30...0x39).contains($0) || (0x61...0x66).contains($0) })
        else { return false }
        let counts =
            [byteCount, rows.read] + rules.flatMap { [$0.rowsIn, $0.changed, $0.nulls, $0.nulled, $0.dropped] }
        return counts.allSatisfy { (0...Limits.countPerPart).contains($0) } && rows.isBalanced
            && droppedByRules <= rows.dropped
    }

    /// Its rules are steps that the plan has for the table's columns, and no more of them.
    ///
    /// - Cost: one look at each step where they come in the plan's order, as workers count them.
    package func fits(_ table: TablePlan) -> Bool {
        var rest = rules[...]
        var stepCount = 0
        for column in table.columns {
            for step in column.steps.indices {
                stepCount += 1
                if let rule = rest.first, rule.step == step, rule.column == column.name { rest.removeFirst() }
            }
        }
        if rest.isEmpty { return true }
        let steps = Dictionary(table.columns.map { ($0.name, $0.steps.count) }, uniquingKeysWith: max)
        return rules.count <= stepCount
            && rules.allSatisfy { rule in steps[rule.column].map { (0..<$0).contains(rule.step) } ?? false }
    }
}

extension PartReceipt {
    /// Rows that rules dropped; the others that were dropped are malformed records.
    package var droppedByRules: Int64 { rules.reduce(0) { $0 + $1.dropped } }
}

/// rows read = published + dropped + suppressed + filtered, or nothing is published.
///
/// `dropped`: left out because a rule of the document says so of records or values that do not fit; nobody keeps them.
package struct RowAccount: Sendable, Codable, Equatable {
    package var read: Int64
    package var published: Int64
    package var dropped: Int64
    package var suppressed: Int64
    package var filtered: Int64

    package init(
        read: Int64 = 0, published: Int64 = 0, dropped: Int64 = 0, suppressed: Int64 = 0, filtered: Int64 = 0
    ) {
        self.read = read
        self.published = published
        self.dropped = dropped
        self.suppressed = suppressed
        self.filtered = filtered
    }

    package var isBalanced: Bool {
        // As what is left, so that no sum of large counts overflows.
        [read, published, dropped, suppressed, filtered].allSatisfy { $0 >= 0 }
            && [published, dropped, suppressed, filtered].reduce(Int64?(read)) { rest, count in
                rest.flatMap { $0 >= count ? $0 - count : nil }
            } == 0
    }

    package static func + (a: RowAccount, b: RowAccount) -> RowAccount {
        RowAccount(
            read: a.read.saturatingSum(b.read), published: a.published.saturatingSum(b.published),
            dropped: a.dropped.saturatingSum(b.dropped),
            suppressed: a.suppressed.saturatingSum(b.suppressed), filtered: a.filtered.saturatingSum(b.filtered))
    }
}

/// What one step of one column's rule did to the rows of a shard.
package struct RuleCount: Sendable, Codable, Equatable {
    package var column: String
    /// Index of the step in the column's rule.
    package var step: Int
    package var rowsIn: Int64
    package var changed: Int64
    /// Nulls after the step.
    package var nulls: Int64
    /// Values that the step made null because they had no counterpart or did not parse.
    package var nulled: Int64
    /// Rows that the step dropped.
    package var dropped: Int64

    package init(
        column: String, step: Int, rowsIn: Int64 = 0, changed: Int64 = 0, nulls: Int64 = 0, nulled: Int64 = 0,
        dropped: Int64 = 0
    ) {
        self.column = column
        self.step = step
        self.rowsIn = rowsIn
        self.changed = changed
        self.nulls = nulls
        self.nulled = nulled
        self.dropped = dropped
    }
}

// Ledgers of earlier builds say `quarantined` of what was never kept.
private enum EarlierKeys: String, CodingKey { case quarantined }

extension RowAccount {
    package init(from decoder: any Decoder) throws {
        let values = try decoder.container(keyedBy: CodingKeys.self)
        read = try values.decode(Int64.self, forKey: .read)
        published = try values.decode(Int64.self, forKey: .published)
        dropped =
            try values.decodeIfPresent(Int64.self, forKey: .dropped)
            ?? decoder.container(keyedBy: EarlierKeys.self).decode(Int64.self, forKey: .quarantined)
        suppressed = try values.decode(Int64.self, forKey: .suppressed)
        filtered = try values.decode(Int64.self, forKey: .filtered)
    }
}

extension RuleCount {
    package init(from decoder: any Decoder) throws {
        let values = try decoder.container(keyedBy: CodingKeys.self)
        column = try values.decode(String.self, forKey: .column)
        step = try values.decode(Int.self, forKey: .step)
        rowsIn = try values.decode(Int64.self, forKey: .rowsIn)
        changed = try values.decode(Int64.self, forKey: .changed)
        nulls = try values.decode(Int64.self, forKey: .nulls)
        nulled = try values.decode(Int64.self, forKey: .nulled)
        dropped =
            try values.decodeIfPresent(Int64.self, forKey: .dropped)
            ?? decoder.container(keyedBy: EarlierKeys.self).decode(Int64.self, forKey: .quarantined)
    }
}
