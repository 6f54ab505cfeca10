import Model

/// Receipts as JSON, the same bytes as `Coding` writes. They are most of what a ledger holds: a run of 100,000 shards has
/// 200 MB of them, for which a general encoder takes half a minute.
///
/// What is not quite of this form, in either direction, is left to `Coding`.
enum ReceiptCoding {
    static func text(_ receipt: PartReceipt) -> String { plainText(receipt) ?? Coding.text(receipt) }

    static func receipt(_ text: String) -> PartReceipt? { plain(text) ?? Coding.value(PartReceipt.self, text) }

    /// A record's JSON; of an accepted receipt, around the receipt's, and so of a plan. Grants are as many as receipts.
    static func event(_ record: LedgerRecord) -> String {
        switch record {
        case .granted(let table, let shard, let epoch, let worker, let token?) where isPlain(table) && isPlain(worker):
            "{\"granted\":{\"epoch\":\(epoch),\"shard\":\(shard),\"table\":\"\(table)\",\"token\":\(token),\"worker\":\"\(worker)\"}}"
        case .accepted(let receipt): "{\"accepted\":{\"_0\":\(text(receipt))}}"
        case .planned(let plan): "{\"planned\":{\"_0\":\(PlanCoding.text(plan))}}"
        default: Coding.text(record)
        }
    }

    /// nil: a text in it is to be escaped.
    static func plainText(_ receipt: PartReceipt) -> String? {
        let texts = [receipt.table, receipt.stagedPath, receipt.sha256] + (receipt.handle.map { [$0] } ?? [])
        guard texts.allSatisfy(isPlain), receipt.rules.allSatisfy({ isPlain($0.column) }) else { return nil }
        let rows = receipt.rows
        var text = "{\"byteCount\":\(receipt.byteCount),\"epoch\":\(receipt.epoch),"
        if let handle = receipt.handle { text += "\"handle\":\"\(handle)\"," }
        text += "\"rows\":{\"dropped\":\(rows.dropped),\"filtered\":\(rows.filtered),"
        text += "\"published\":\(rows.published),"
        text += "\"read\":\(rows.read),\"suppressed\":\(rows.suppressed)},\"rules\":["
        for (index, rule) in receipt.rules.enumerated() {
            text += index == 0 ? "{\"changed\":" : ",{\"changed\":"
            text += "\(rule.changed),\"column\":\"\(rule.column)\",\"dropped\":\(rule.dropped),"
            text += "\"nulled\":\(rule.nulled),\"nulls\":\(rule.nulls),"
            text += "\"rowsIn\":\(rule.rowsIn),\"step\":\(rule.step)}"
        }
        text += "],\"sha256\":\"\(receipt.sha256)\",\"shard\":\(receipt.shard),"
        text += "\"stagedPath\":\"\(receipt.stagedPath)\",\"table\":\"\(receipt.table)\"}"
        return text
    }

    private static func isPlain(_ text: String) -> Bool {
        text.utf8.allSatisfy { $0 >= 0x20 && $0 != 0x22 && $0 != 0x5c && $0 != 0x7f }
    }

    /// nil: not of the form that `plainText` writes.
    static func plain(_ text: String) -> PartReceipt? {
        var reader = ReceiptReader(bytes: Array(text.utf8))
        return reader.receipt()
    }
}

/// Goes through a receipt's JSON once; whatever it does not expect ends it.
private struct ReceiptReader {
    private let bytes: [UInt8]
    private var position = 0

    init(bytes: [UInt8]) { self.bytes = bytes }

    mutating func receipt() -> PartReceipt? {
        guard skip("{\"byteCount\":"), let byteCount = number(), skip(",\"epoch\":"), let epoch = number() else {
            return nil
        }
        var handle: String?
        if skip(",\"handle\":") {
            handle = string()
            guard handle != nil else { return nil }
        }
        guard skip(",\"rows\":{\"dropped\":"), let dropped = number(), skip(",\"filtered\":"), let filtered = number(),
            skip(",\"published\":"), let published = number(), skip(",\"read\":"), let read = number(),
            skip(",\"suppressed\":"), let suppressed = number(), skip("},\"rules\":[")
        else { return nil }
        var rules: [RuleCount] = []
        while !skip("]") {
            guard rules.isEmpty || skip(","), let rule = rule() else { return nil }
            rules.append(rule)
        }
        guard skip(",\"sha256\":"), let sha256 = string(), skip(",\"shard\":"), let shard = number(),
            skip(",\"stagedPath\":"), let stagedPath = string(), skip(",\"table\":"), let table = string(), skip("}"),
            position == bytes.count
        else { return nil }
        return PartReceipt(
            table: table, shard: Int(shard), epoch: Int(epoch), stagedPath: stagedPath, byteCount: byteCount,
            sha256: sha256,
            rows: RowAccount(
                read: read, published: published, dropped: dropped, suppressed: suppressed, filtered: filtered),
            rules: rules, handle: handle)
    }

    private mutating func rule() -> RuleCount? {
        guard skip("{\"changed\":"), let changed = number(), skip(",\"column\":"), let column = string(),
            skip(",\"dropped\":"), let dropped = number(), skip(",\"nulled\":"), let nulled = number(),
            skip(",\"nulls\":"), let nulls = number(), skip(",\"rowsIn\":"), let rowsIn = number(),
            skip(",\"step\":"), let step = number(), skip("}")
        else { return nil }
        return RuleCount(
            column: column, step: Int(step), rowsIn: rowsIn, changed: changed, nulls: nulls, nulled: nulled,
            dropped: dropped)
    }

    /// Goes behind the word if it is next.
    private mutating func skip(_ word: StaticString) -> Bool {
        let count = word.utf8CodeUnitCount
        guard position + count <= bytes.count else { return false }
        // A static string's bytes live as long as the process.
        for index in 0..<count where unsafe word.utf8Start[index] != bytes[position + index] { return false }
        position += count
        return true
    }

    private mutating func number() -> Int64? {
        let isNegative = skip("-")
        let start = position
        var number: Int64 = 0
        while position < bytes.count, case let digit = bytes[position], digit >= 0x30, digit <= 0x39 {
            let (tens, isTooLarge) = number.multipliedReportingOverflow(by: 10)
            let (sum, isStillTooLarge) = tens.subtractingReportingOverflow(Int64(digit - 0x30))
            if isTooLarge || isStillTooLarge { return nil }
            number = sum
            position += 1
        }
        guard position > start else { return nil }
        if isNegative { return number }
        return number == .min ? nil : -number
    }

    /// One without escapes. Its bytes are a String's, so they are sound UTF-8, and a quotation mark is part of no other.
    private mutating func string() -> String? {
        guard skip("\"") else { return nil }
        let start = position
        while position < bytes.count, bytes[position] != 0x22 {
            if bytes[position] == 0x5c { return nil }
            position += 1
        }
        guard position < bytes.count else { return nil }
        defer { position += 1 }
        return String(decoding: bytes[start..<position], as: UTF8.self)
    }
}
