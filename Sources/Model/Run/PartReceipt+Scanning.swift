/// Receipts are most of what a coordinator reads, from the wire and from its ledger.
extension PartReceipt {
    /// nil: not quite of the form that `JSONEncoder` writes, in any order of its names.
    package init?(scanning scanner: inout JSONScanner) {
        var (table, stagedPath, sha256, handle): (String?, String?, String?, String?)
        var (shard, epoch, byteCount): (Int64?, Int64?, Int64?)
        var rows: RowAccount?
        var rules: [RuleCount]?
        let isRead = scanner.object { scanner, name in
            switch name {
            case "table": return scanner.text(into: &table)
            case "shard": return scanner.number(into: &shard)
            case "epoch": return scanner.number(into: &epoch)
            case "stagedPath": return scanner.text(into: &stagedPath)
            case "byteCount": return scanner.number(into: &byteCount)
            case "sha256": return scanner.text(into: &sha256)
            case "handle": return scanner.text(into: &handle)
            case "rows" where rows == nil:
                rows = RowAccount(scanning: &scanner)
                return rows != nil
            case "rules" where rules == nil:
                var list: [RuleCount] = []
                defer { rules = list }
                return scanner.list { scanner in
                    guard let rule = RuleCount(scanning: &scanner) else { return false }
                    list.append(rule)
                    return true
                }
            default: return false
            }
        }
        guard isRead, let table, let shard, let epoch, let stagedPath, let byteCount, let sha256, let rows, let rules
        else {
            return nil
        }
        self.init(
            table: table, shard: Int(shard), epoch: Int(epoch), stagedPath: stagedPath, byteCount: byteCount,
            sha256: sha256, rows: rows, rules: rules, handle: handle)
    }
}

extension RowAccount {
    fileprivate init?(scanning scanner: inout JSONScanner) {
        var (read, published, dropped, suppressed, filtered): (Int64?, Int64?, Int64?, Int64?, Int64?)
        let isRead = scanner.object { scanner, name in
            switch name {
            case "read": scanner.number(into: &read)
            case "published": scanner.number(into: &published)
            case "dropped", "quarantined": scanner.number(into: &dropped)
            case "suppressed": scanner.number(into: &suppressed)
            case "filtered": scanner.number(into: &filtered)
            default: false
            }
        }
        guard isRead, let read, let published, let dropped, let suppressed, let filtered else { return nil }
        self.init(
            read: read, published: published, dropped: dropped, suppressed: suppressed, filtered: filtered)
    }
}

extension RuleCount {
    fileprivate init?(scanning scanner: inout JSONScanner) {
        var column: String?
        var (step, rowsIn, changed, nulls, nulled, dropped): (Int64?, Int64?, Int64?, Int64?, Int64?, Int64?)
        let isRead = scanner.object { scanner, name in
            switch name {
            case "column": scanner.text(into: &column)
            case "step": scanner.number(into: &step)
            case "rowsIn": scanner.number(into: &rowsIn)
            case "changed": scanner.number(into: &changed)
            case "nulls": scanner.number(into: &nulls)
            case "nulled": scanner.number(into: &nulled)
            case "dropped", "quarantined": scanner.number(into: &dropped)
            default: false
            }
        }
        guard isRead, let column, let step, let rowsIn, let changed, let nulls, let nulled, let dropped else {
            return nil
        }
        self.init(
            column: column, step: Int(step), rowsIn: rowsIn, changed: changed, nulls: nulls, nulled: nulled,
            dropped: dropped)
    }
}
