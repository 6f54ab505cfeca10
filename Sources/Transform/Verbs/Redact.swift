internal import CKernels
internal import Columnar
internal import Model

extension Verb {
    static let redact = Verb(
        "redact", .freeText, .redact, .lossy, accepts: [.text], elementwise: true, result: "text",
        form: .short("entities"),
        parameters: [
            .init("entities", required: true, "a list of \(RedactStep.Entity.allCases.map(\.rawValue).joined(separator: ", "))"),
            .init("as", default: "label", "label, token or mask"),
            .init("key", "the name of a key, for tokens"),
            .init("scope", "the scope of tokens"),
            .init("region", "two letters: phone numbers without calling code are of this region, for tokens"),
        ]
    ) { RedactStep.read(&$0) }
}

/// Replaces structured identifiers inside free text: by form and check digits, no names, no places.
///
/// - Nulls: stay null. JSON text and lists of text are taken as they are.
/// - Tokens: equal the token of a column that holds the identifier in its normal form (see `RedactStep.normalForm`).
/// - Cost: one pass over the bytes for texts without digits or @; some microseconds a finding.
/// - Source: kernel_redact.h states each form; Luhn (ISO/IEC 7812), modulo 97 (ISO 13616).
struct RedactStep: UsesKey {
    enum Entity: String, CaseIterable, Sendable {
        case email, phone, iban
        case paymentCard = "payment_card"
        case usSSN = "us_ssn"
        case ipAddress = "ip_address"

        var kernelKind: UInt32 {
            switch self {
            case .email: UInt32(KERNEL_ENTITY_EMAIL)
            case .phone: UInt32(KERNEL_ENTITY_PHONE)
            case .iban: UInt32(KERNEL_ENTITY_IBAN)
            case .paymentCard: UInt32(KERNEL_ENTITY_CARD)
            case .usSSN: UInt32(KERNEL_ENTITY_SSN)
            case .ipAddress: UInt32(KERNEL_ENTITY_IP)
            }
        }

        /// `[EMAIL]`, `[PAYMENT_CARD]`.
        var label: String { "[\(rawValue.uppercased())]" }
    }
    enum Form: String, CaseIterable, Sendable { case label, token, mask }

    let entities: [Entity]
    let form: Form
    let key: KeyReference?
    let scope: String?
    let region: PhoneRegion?

    var keyReference: KeyReference? { key }

    static func read(_ arguments: inout Arguments) -> RedactStep? {
        let form = arguments.choice("as", Form.self) ?? .label
        var entities: [Entity] = []
        guard let names = arguments.texts("entities") else { return nil }
        for name in names {
            if let entity = Entity(rawValue: name) {
                if !entities.contains(entity) { entities.append(entity) }
            } else {
                arguments.problems.unknownWord(
                    name, kind: "entity", at: arguments.position("entities"), among: Entity.allCases.map(\.rawValue))
            }
        }
        let key = arguments.text("key").map { [position = arguments.position("key")] in
            KeyReference(text: $0, position: position)
        }
        let scope = arguments.scope("scope")
        var region: PhoneRegion?
        if let name = arguments.text("region") {
            region = PhoneRegion.find(name)
            if region == nil {
                arguments.problems.unknownWord(
                    name, kind: "region", at: arguments.position("region"), among: PhoneRegion.names)
            }
        }
        for name in ["key", "scope"] where (form == .token) != arguments.has(name) {
            if form == .token {
                arguments.problems.error(
                    arguments.step.position, found: "redact as token without \"\(name)\"", expected: "\(name)")
            } else {
                arguments.refuse(name, expected: "no \(name) unless `as: token`")
            }
        }
        return RedactStep(entities: entities, form: form, key: key, scope: scope, region: region)
    }

    func compile(_ context: inout StepContext) -> CompiledStep? {
        var words = [("entities", entities.map(\.rawValue).joined(separator: " ")), ("as", form.rawValue)]
        if let key, let scope { words += [("key", key.text), ("scope", scope)] }
        if let region { words.append(("region", region.name)) }
        var fieldKey: FieldKey?
        if let key, let scope { fieldKey = context.keys?[key.text]?.derive(.token(scope: scope)) }
        let plan = context.plan(
            words, key: key?.text, scope: scope, method: form == .token ? "hmac-sha256" : form.rawValue)
        return CompiledStep(type: .text, plan: plan, RedactOperation(step: self, key: fieldKey))
    }

    /// The form of an identifier that its token is computed of:
    /// e-mail as `normalize_email` gives it; IBAN without spaces in upper case; card and SSN their digits alone; phone in
    /// E.164 where it has a calling code or a region is given, otherwise its digits; IP address in lower case.
    func normalForm(of text: String, _ entity: Entity) -> String {
        switch entity {
        case .email: EmailForm.of(text)
        case .iban: String(decoding: IBANForm.compact(text), as: UTF8.self)
        case .paymentCard, .usSSN: RedactStep.digits(text)
        case .phone: PhoneForm.of(text, region: region) ?? RedactStep.digits(text)
        case .ipAddress: text.lowercased()
        }
    }

    private static func digits(_ text: String) -> String {
        String(String.UnicodeScalarView(text.unicodeScalars.filter { ("0"..."9").contains($0) }))
    }
}

private struct RedactOperation: ColumnOperation {
    let step: RedactStep
    /// For tokens; nil when compiled without keys.
    let key: FieldKey?

    func apply(_ column: Column, in chunk: Chunk) throws(ValueFailure) -> Outcome {
        let wanted = step.entities.reduce(UInt32(0)) { $0 | $1.kernelKind }
        // Texts in which nothing is found are the common case: the column is copied from the first finding on.
        guard let first = (0..<column.rowCount).first(where: { !findings(column, $0, wanted).isEmpty }) else {
            return Outcome(column, changed: 0)
        }
        var changed = 0
        var builder = VariableBuilder(rows: column.rowCount, bytes: 64 * column.rowCount)
        for row in 0..<column.rowCount {
            let bytes = unsafe column.variableBytes(row)
            let found = row < first ? [] : findings(column, row, wanted)
            if column.isNull(row) {
                builder.appendNull()
            } else if found.isEmpty {
                unsafe builder.append(bytes)
            } else {
                changed += 1
                let text = unsafe redacted(bytes, found)
                unsafe text.withUnsafeBytes { unsafe builder.append($0) }
            }
        }
        return Outcome(builder.finish(type: .text), changed: changed)
    }

    private func findings(_ column: Column, _ row: Int, _ wanted: UInt32) -> [kernel_entity] {
        let bytes = unsafe column.variableBytes(row)
        guard bytes.count >= 2, let base = unsafe bytes.baseAddress?.assumingMemoryBound(to: UInt8.self),
            unsafe kernel_may_hold_entity(base, bytes.count) != 0
        else { return [] }
        let capacity = bytes.count / 5 + 1
        return unsafe [kernel_entity](unsafeUninitializedCapacity: capacity) { target, count in
            unsafe count = kernel_find_entities(base, bytes.count, wanted, target.baseAddress!, capacity)
        }
    }

    private func redacted(_ bytes: UnsafeRawBufferPointer, _ found: [kernel_entity]) -> [UInt8] {
        var result: [UInt8] = []
        result.reserveCapacity(bytes.count)
        var position = 0
        for entity in found {
            unsafe result += bytes[position..<Int(entity.start)]
            let text = unsafe String(decoding: bytes[Int(entity.start)..<Int(entity.end)], as: UTF8.self)
            result += replacement(of: text, kind: entity.kind)
            position = Int(entity.end)
        }
        unsafe result += bytes[position...]
        return result
    }

    private func replacement(of text: String, kind: UInt32) -> [UInt8] {
        guard let entity = step.entities.first(where: { $0.kernelKind == kind }) else {
            preconditionFailure("the kernel reports the kinds that were asked for")
        }
        switch step.form {
        case .label: return Array(entity.label.utf8)
        case .mask: return [UInt8](repeating: UInt8(ascii: "*"), count: text.unicodeScalars.count)
        case .token:
            guard let key else { preconditionFailure("a transform that is applied was compiled with its keys") }
            let digest = key.digest(Array(step.normalForm(of: text, entity).utf8))
            return TokenText.base32(digest)
        }
    }
}
