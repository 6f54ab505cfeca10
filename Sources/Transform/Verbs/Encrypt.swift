internal import CKernels
internal import Columnar
internal import Model

extension Verb {
    static let encrypt = Verb(
        "encrypt", .pseudonymise, .pseudonymise, .injective, accepts: [.text, .binary], elementwise: true,
        result: "text; binary with `as: binary`", form: .mapping,
        parameters: [
            .init("key", required: true, "the name of a key"),
            .init(
                "context", required: true, "equal values of one context get equal ciphertexts; as a scope is written"),
            .init("as", default: "base64url", "base64url, base32, hex or binary"),
        ]
    ) { EncryptStep.read(&$0) }
}

/// Encrypts each value so that the key's holder can decrypt it: AES-256-SIV.
///
/// - Shape: row *i* depends on row *i* and the key only.
/// - Nulls: stay null. The empty text is a value of 16 bytes when sealed.
/// - Cost: two AES-256 blocks for each 16 bytes, and the encoding.
/// - Source: RFC 5297 with one piece of associated data, the context; RFC 4648 for the text forms.
struct EncryptStep: UsesKey {
    let key: KeyReference
    let context: String
    let form: SealedForm

    var keyReference: KeyReference? { key }

    static func read(_ arguments: inout Arguments) -> EncryptStep? {
        let key = arguments.text("key").map { [position = arguments.position("key")] in
            KeyReference(text: $0, position: position)
        }
        let context = arguments.scope("context")
        let form = arguments.choice("as", SealedForm.self) ?? .base64url
        guard let key, let context else { return nil }
        return EncryptStep(key: key, context: context, form: form)
    }

    func compile(_ context: inout StepContext) -> CompiledStep? {
        let plan = context.plan(
            [("key", key.text), ("context", self.context), ("as", form.rawValue)], key: key.text, scope: self.context,
            method: "aes-siv")
        return CompiledStep(
            type: form == .binary ? .binary : .text, plan: plan,
            EncryptOperation(key: context.keys?[key.text].map { sealingKey(from: $0) }, form: form))
    }

    func sealingKey(from key: MaskingKey) -> SealingKey {
        SealingKey(key.secret(for: .encryption(context: context), byteCount: 64), context: Array(context.utf8))
    }
}

/// How a sealed value is written. Texts have no padding; `hex` and `base32` are lower case.
enum SealedForm: String, CaseIterable, Sendable {
    case base64url, base32, hex, binary

    private var bitsPerCharacter: Int32? {
        switch self {
        case .base64url: Int32(KERNEL_ENCODE_BASE64URL)
        case .base32: Int32(KERNEL_ENCODE_BASE32)
        case .hex: Int32(KERNEL_ENCODE_HEX)
        case .binary: nil
        }
    }

    /// Bytes as text; nulls stay.
    func encode(_ column: Column) -> Column {
        guard let bits = bitsPerCharacter else { return column }
        return unsafe column.withVariable { offsets, bytes, byteCount in
            let capacity = (8 * byteCount + Int(bits) - 1) / Int(bits) + column.rowCount
            return unsafe column.makingText(capacity: capacity) { outOffsets, out in
                unsafe kernel_encode_rows(bits, bytes, offsets, column.rowCount, out, outOffsets)
            }
        }
    }

    /// The bytes of what `encode` wrote; `good` has 0 for every row that is nothing of the kind.
    func decode(_ column: Column) -> (column: Column, good: [UInt8]) {
        guard let bits = bitsPerCharacter else { return (column, [UInt8](repeating: 1, count: column.rowCount)) }
        var good = [UInt8](repeating: 0, count: max(column.rowCount, 1))
        let bytes = unsafe column.withVariable { offsets, bytes, byteCount in
            unsafe column.makingText(type: .binary, capacity: byteCount) { outOffsets, out in
                unsafe kernel_decode_rows(bits, bytes, offsets, column.rowCount, out, outOffsets, &good)
            }
        }
        return (bytes, Array(good.prefix(column.rowCount)))
    }
}

private struct EncryptOperation: ColumnOperation {
    /// nil when compiled without keys; such a transform is never applied.
    let key: SealingKey?
    let form: SealedForm

    func apply(_ column: Column, in chunk: Chunk) throws(ValueFailure) -> Outcome {
        guard let key else { preconditionFailure("a transform that is applied was compiled with its keys") }
        return Outcome(form.encode(key.seal(column)), changed: column.rowCount - column.nullCount)
    }
}
