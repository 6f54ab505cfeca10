internal import CKernels
internal import Columnar
internal import Model

extension Verb {
    static let token = Verb(
        "token", .pseudonymise, .pseudonymise, .probabilistic,
        accepts: [.boolean, .integer, .decimal, .text, .binary, .date, .timestamp], elementwise: true,
        result: "text; int64 with `as: int64`", form: .mapping,
        parameters: [
            .init("key", required: true, "the name of a key"),
            .init("scope", required: true, "equal values of one scope get equal tokens"),
            .init("as", default: "base32", "base32, hex, uuid or int64"),
            .init("length", default: "26 (base32), 32 (hex)", "characters of a base32 or hex token"),
            .init("function", default: "hmac", "hmac or cmac"),
            .allowWeak,
        ]
    ) { TokenStep.read(&$0) }
}

/// Replaces each value by a keyed token: the leftmost bits of HMAC-SHA-256, or of AES-256-CMAC, of the value's text form.
///
/// - Shape: row *i* depends on row *i* and the key only, so tokens are the same in every chunk, shard, worker and run.
/// - Nulls: stay null. The empty text is a value and gets a token.
/// - Cost: two SHA-256 compressions for values of up to 55 bytes.
/// - Cost of `cmac`: an AES-256 block for each 16 bytes.
/// - Source: FIPS 198-1 (HMAC, truncated to its leftmost bits), SP 800-38B (CMAC), RFC 4648 (base32), RFC 9562 (UUID version 8).
struct TokenStep: UsesKey {
    enum Form: String, CaseIterable, Sendable { case base32, hex, uuid, int64 }
    enum Function: String, CaseIterable, Sendable {
        case hmac, cmac

        var byteCount: Int { self == .hmac ? Int(KERNEL_HMAC_BYTES) : Int(KERNEL_CMAC_BYTES) }
        /// As the metadata has it.
        var method: String { self == .hmac ? "hmac-sha256" : "aes-256-cmac" }
    }

    let key: KeyReference
    let scope: String
    let form: Form
    /// Characters; nil for forms of fixed length.
    let length: Int?
    let function: Function

    var keyReference: KeyReference? { key }

    static func read(_ arguments: inout Arguments) -> TokenStep? {
        let key = arguments.text("key").map { [position = arguments.position("key")] in
            KeyReference(text: $0, position: position)
        }
        let scope = arguments.scope("scope")
        let form = arguments.choice("as", Form.self) ?? .base32
        let function = arguments.choice("function", Function.self) ?? .hmac
        var length: Int? = form == .base32 ? 26 : form == .hex ? 32 : nil
        if arguments.has("length") {
            let allowed = lengths(of: form, function)
            guard let wanted = arguments.integer("length", in: 1...64).map(Int.init) else { return nil }
            if !allowed.contains(wanted) {
                let expected =
                    allowed.isEmpty
                    ? "no length: a \(form.rawValue) token has a fixed one"
                    : "one of \(allowed.map(String.init).joined(separator: ", ")): tokens hold whole bytes"
                arguments.refuse("length", expected: expected)
                return nil
            }
            length = wanted
        }
        guard let key, let scope else { return nil }
        let step = TokenStep(key: key, scope: scope, form: form, length: length, function: function)
        if step.bitCount < 80, form != .int64, !arguments.allowsWeak() {
            arguments.refuse(
                "length", expected: "at least 16 characters of base32 or 20 of hex",
                remedy: "or add `allow_weak: true` to this rule, which the metadata then states")
            return nil
        }
        return step
    }

    /// Lengths of texts of 4 bytes to the whole digest.
    static func lengths(of form: Form, _ function: Function) -> [Int] {
        switch form {
        case .base32: (4...function.byteCount).map { ($0 * 8 + 4) / 5 }
        case .hex: (4...function.byteCount).map { $0 * 2 }
        case .uuid, .int64: []
        }
    }

    /// Bytes of the digest that the token holds.
    var byteCount: Int {
        switch form {
        case .base32: (length ?? 26) * 5 / 8
        case .hex: (length ?? 32) / 2
        case .uuid: 16
        case .int64: 8
        }
    }

    /// Bits of the digest that tell tokens apart.
    var bitCount: Int {
        switch form {
        case .base32, .hex: byteCount * 8
        case .uuid: 122
        case .int64: 63
        }
    }

    func compile(_ context: inout StepContext) -> CompiledStep? {
        var isWeak = bitCount < 80 && form != .int64
        if let chance = collisionChance(rows: context.estimatedRows), chance > TokenStep.acceptedChance {
            let rows = context.estimatedRows < 0 ? "an unknown number of" : "\(context.estimatedRows)"
            guard
                context.accepts(
                    weak:
                        "tokens of \(bitCount) bits for \(rows) rows: two values share one with a chance above 1 in 1,000,000,000",
                    remedy: "use the default form")
            else { return nil }
            isWeak = true
        }
        var words = [("key", key.text), ("scope", scope), ("as", form.rawValue)]
        if let length { words.append(("length", String(length))) }
        if function != .hmac { words.append(("function", function.rawValue)) }
        let plan = context.plan(words, key: key.text, scope: scope, method: function.method, isWeak: isWeak)
        let fieldKey = context.keys?[key.text].map { derived(from: $0) }
        return CompiledStep(
            type: form == .int64 ? .int64 : .text, plan: plan, TokenOperation(key: fieldKey, writer: TokenWriter(self)))
    }

    private func derived(from key: MaskingKey) -> any ColumnDigest {
        switch function {
        case .hmac: key.derive(.token(scope: scope))
        case .cmac: BlockMAC(key.secret(for: .tokenCMAC(scope: scope)))
        }
    }

    static let acceptedChance = 1e-9

    /// The chance that any two of `rows` different values share a token: n² / 2^(bits + 1). Not knowing the rows counts
    /// against short tokens only.
    func collisionChance(rows: Int64) -> Double? {
        if rows < 0 { return bitCount < 80 ? 1 : nil }
        var chance = Double(rows) * Double(rows) / 2
        for _ in 0..<bitCount { chance /= 2 }
        return chance
    }
}

/// Writes digests as tokens.
struct TokenWriter: Sendable {
    let form: TokenStep.Form
    let textLength: Int
    /// Bytes of a digest.
    let stride: Int

    init(_ step: TokenStep) {
        form = step.form
        textLength = step.form == .uuid ? 36 : step.length ?? 0
        stride = step.function.byteCount
    }

    /// - Shape: a row for each of `column`'s; nulls are its nulls.
    func tokens(_ digests: Buffer, like column: Column) -> Column {
        let rows = column.rowCount
        let bytes = unsafe digests.base.assumingMemoryBound(to: UInt8.self)
        switch form {
        case .int64:
            return unsafe column.makingFixed(type: .int64) { out in
                unsafe kernel_int63_rows(
                    bytes, stride, column.validityBits, rows, out.assumingMemoryBound(to: Int64.self))
            }
        case .uuid:
            return unsafe column.makingText(capacity: rows * textLength) { offsets, out in
                unsafe kernel_uuid8_rows(bytes, stride, column.validityBits, rows, out, offsets)
                return unsafe Int(offsets[rows])
            }
        case .hex:
            return unsafe column.makingText(capacity: rows * textLength) { offsets, out in
                unsafe kernel_hex_rows(bytes, stride, column.validityBits, rows, textLength, out, offsets)
                return unsafe Int(offsets[rows])
            }
        case .base32:
            // The kernel takes whole bytes of the digest: what is left of the last character is zero.
            return unsafe column.makingText(capacity: rows * textLength) { offsets, out in
                unsafe kernel_base32_rows(bytes, stride, column.validityBits, rows, textLength, out, offsets)
                return unsafe Int(offsets[rows])
            }
        }
    }
}

struct TokenOperation: ColumnOperation {
    /// nil when compiled without keys; such a transform is never applied.
    let key: (any ColumnDigest)?
    let writer: TokenWriter

    func apply(_ column: Column, in chunk: Chunk) throws(ValueFailure) -> Outcome {
        guard let key else { preconditionFailure("a transform that is applied was compiled with its keys") }
        let digests = key.digests(of: TextForm.of(column))
        return Outcome(writer.tokens(digests, like: column), changed: column.rowCount - column.nullCount)
    }
}

/// Digests as default tokens.
enum TokenText {
    /// 26 characters of base32 a row: the first 128 bits of each digest. `digests`: HMACs of `column`, which has no nulls.
    static func base32(_ digests: Buffer, like column: Column) -> Column {
        let rows = column.rowCount
        precondition(
            column.nullCount == 0 && digests.byteCount == rows * Int(KERNEL_HMAC_BYTES), "a digest for each row")
        return withExtendedLifetime(digests) {
            unsafe column.makingText(capacity: rows * 26) { offsets, out in
                unsafe kernel_base32_rows(
                    digests.base.assumingMemoryBound(to: UInt8.self), Int(KERNEL_HMAC_BYTES), nil, rows, 26, out,
                    offsets)
                return unsafe Int(offsets[rows])
            }
        }
    }
}
