/// A receipt in little memory: a coordinator keeps one for each finished shard.
///
/// What is the same for all parts of a table is kept once: its name, their folder, the columns and steps of its rules. The
/// rest is bytes, numbers in groups of seven bits. Nothing is lost: `receipt` is equal to the one that was packed.
///
/// - Cost: about 200 bytes for a dozen rules, where the receipt itself takes 1.5 KB.
package struct PackedReceipt: Sendable, Equatable {
    /// What receipts have in common.
    fileprivate final class Form: Sendable {
        let table: String
        let folder: String
        let steps: [Step]

        init(table: String, folder: String, steps: [Step]) {
            self.table = table
            self.folder = folder
            self.steps = steps
        }
    }

    fileprivate struct Step: Sendable, Equatable { let column: String, step: Int }

    private let form: Form
    private let bytes: [UInt8]

    fileprivate init(_ receipt: PartReceipt, name: Substring.UTF8View, form: Form) {
        var writer = Writer()
        writer.put(Int64(receipt.shard))
        writer.put(Int64(receipt.epoch))
        writer.put(receipt.byteCount)
        let rows = receipt.rows
        for count in [rows.read, rows.published, rows.dropped, rows.suppressed, rows.filtered] { writer.put(count) }
        writer.put(name)
        writer.put(digest: receipt.sha256)
        writer.put(receipt.handle == nil ? 0 : 1)
        if let handle = receipt.handle { writer.put(handle.utf8) }
        for rule in receipt.rules {
            for count in [rule.rowsIn, rule.changed, rule.nulls, rule.nulled, rule.dropped] { writer.put(count) }
        }
        // As long as it is: what was reserved while it grew is not kept.
        bytes = Array(writer.bytes[...])
        self.form = form
    }

    package var receipt: PartReceipt {
        var reader = Reader(bytes: bytes)
        let (shard, epoch, byteCount) = (reader.number(), reader.number(), reader.number())
        let rows = RowAccount(
            read: reader.number(), published: reader.number(), dropped: reader.number(),
            suppressed: reader.number(),
            filtered: reader.number())
        let stagedPath = reader.text(behind: form.folder)
        let sha256 = reader.digest()
        let handle = reader.number() == 0 ? nil : reader.text()
        let rules = form.steps.map { step in
            RuleCount(
                column: step.column, step: step.step, rowsIn: reader.number(), changed: reader.number(),
                nulls: reader.number(), nulled: reader.number(), dropped: reader.number())
        }
        return PartReceipt(
            table: form.table, shard: Int(shard), epoch: Int(epoch), stagedPath: stagedPath, byteCount: byteCount,
            sha256: sha256, rows: rows, rules: rules, handle: handle)
    }

    package static func == (a: PackedReceipt, b: PackedReceipt) -> Bool {
        guard a.bytes == b.bytes else { return false }
        return a.form === b.form
            || (a.form.table == b.form.table && a.form.folder == b.form.folder && a.form.steps == b.form.steps)
    }
}

/// Packs receipts so that those of a table share what they have in common.
package struct ReceiptPacker: Sendable {
    /// By table, of the receipt before.
    private var forms: [String: PackedReceipt.Form] = [:]

    package init() {}

    package mutating func pack(_ receipt: PartReceipt) -> PackedReceipt {
        let path = receipt.stagedPath
        let nameStart = path.utf8.lastIndex(of: 0x2f).map { path.utf8.index(after: $0) } ?? path.startIndex
        let folder = path[..<nameStart]
        let known = forms[receipt.table]
        let hasKnownSteps =
            known.map { known in
                known.steps.count == receipt.rules.count
                    && zip(known.steps, receipt.rules).allSatisfy { $0.step == $1.step && $0.column == $1.column }
            } ?? false
        if let known, hasKnownSteps, known.folder == folder {
            return PackedReceipt(receipt, name: path[nameStart...].utf8, form: known)
        }
        let steps = receipt.rules.map { PackedReceipt.Step(column: $0.column, step: $0.step) }
        let form = PackedReceipt.Form(
            table: receipt.table, folder: String(folder), steps: hasKnownSteps ? known?.steps ?? steps : steps)
        forms[receipt.table] = form
        return PackedReceipt(receipt, name: path[nameStart...].utf8, form: form)
    }
}

private struct Writer {
    var bytes: [UInt8] = []

    /// Seven bits a byte, the lowest first; small ones below zero are short too.
    mutating func put(_ number: Int64) {
        var rest = UInt64(bitPattern: number << 1 ^ number >> 63)
        while rest >= 0x80 {
            bytes.append(UInt8(truncatingIfNeeded: rest) | 0x80)
            rest >>= 7
        }
        bytes.append(UInt8(rest))
    }

    mutating func put(_ text: some Collection<UInt8>) {
        put(Int64(text.count))
        bytes += text
    }

    /// 64 lower-case hexadecimal digits as 32 bytes behind a one, any other text behind a zero.
    mutating func put(digest text: String) {
        let digits = Array(text.utf8)
        let values = digits.map(Self.value)
        guard digits.count == 64, !values.contains(nil) else {
            put(0)
            return put(digits)
        }
        put(1)
        for index in stride(from: 0, to: 64, by: 2) { bytes.append(values[index]! << 4 | values[index + 1]!) }
    }

    private static func value(_ digit: UInt8) -> UInt8? {
        switch digit {
        case 0x30...0x39: digit - 0x30
        case 0x61...0x66: digit - 0x61 + 10
        default: nil
        }
    }
}

/// Reads what `Writer` wrote.
private struct Reader {
    let bytes: [UInt8]
    private var position = 0

    init(bytes: [UInt8]) { self.bytes = bytes }

    mutating func number() -> Int64 {
        var (value, shift): (UInt64, UInt64) = (0, 0)
        while true {
            let byte = bytes[position]
            position += 1
            value |= UInt64(byte & 0x7f) << shift
            shift += 7
            if byte < 0x80 { return Int64(bitPattern: value >> 1) ^ -Int64(bitPattern: value & 1) }
        }
    }

    /// In no more memory than it takes.
    mutating func text(behind start: String = "") -> String {
        let count = Int(number())
        defer { position += count }
        return String(decoding: Array(start.utf8) + bytes[position..<position + count], as: UTF8.self)
    }

    mutating func digest() -> String {
        guard number() == 1 else { return text() }
        defer { position += 32 }
        let digits = Array("0123456789abcdef".utf8)
        return String(
            decoding: bytes[position..<position + 32].flatMap { [digits[Int($0 >> 4)], digits[Int($0 & 15)]] },
            as: UTF8.self)
    }
}
