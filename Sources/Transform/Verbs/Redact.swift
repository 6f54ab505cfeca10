internal import CKernels
internal import Columnar
internal import Model

extension Verb {
    static let redact = Verb(
        "redact", .freeText, .redact, .lossy, accepts: [.text], elementwise: true, result: "text",
        form: .short("entities"),
        parameters: [
            .init(
                "entities", required: true,
                "a list of \(RedactStep.Entity.allCases.map(\.rawValue).joined(separator: ", "))"),
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
/// - Cost: one scan over the column's bytes; below a microsecond a finding, more for tokens.
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

        /// By the bit that is their kind.
        static let byKind = allCases.sorted { $0.kernelKind < $1.kernelKind }

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
    /// in folded typography, e-mail as `normalize_email` gives it; IBAN without spaces in upper case; card and SSN their digits alone; phone in
    /// E.164 where it has a calling code or a region is given, otherwise its digits; IP address in lower case.
    func appendNormalForm(of text: UnsafeRawBufferPointer, _ entity: Entity, to forms: inout VariableBuilder) {
        if unsafe text.allSatisfy({ $0 < 0x80 }) {
            unsafe appendNormalForm(ofFolded: text, entity, to: &forms)
            return
        }
        let folded = unsafe [UInt8](unsafeUninitializedCapacity: text.count) { target, count in
            unsafe count = kernel_fold_text(
                text.bindMemory(to: UInt8.self).baseAddress!, text.count, 0, target.baseAddress!)
        }
        unsafe folded.withUnsafeBytes { unsafe appendNormalForm(ofFolded: $0, entity, to: &forms) }
    }

    private func appendNormalForm(
        ofFolded text: UnsafeRawBufferPointer, _ entity: Entity, to forms: inout VariableBuilder
    ) {
        switch entity {
        case .paymentCard, .usSSN: unsafe RedactStep.append(text, to: &forms) { isDigit($0) ? $0 : nil }
        case .iban: unsafe RedactStep.append(text, to: &forms) { isLetter($0) || isDigit($0) ? upperCase($0) : nil }
        case .ipAddress: unsafe RedactStep.append(text, to: &forms, lowerCase)
        case .email:
            if unsafe text.allSatisfy({ $0 < 0x80 }) {
                unsafe RedactStep.append(text, to: &forms, lowerCase)
            } else {
                unsafe forms.append(EmailForm.of(String(decoding: text, as: UTF8.self)))
            }
        case .phone:
            if let number = unsafe PhoneForm.of(String(decoding: text, as: UTF8.self), region: region) {
                forms.append(number)
            } else {
                unsafe RedactStep.append(text, to: &forms) { isDigit($0) ? $0 : nil }
            }
        }
    }

    /// A row of what `form` makes of each byte; nil: nothing.
    private static func append(
        _ text: UnsafeRawBufferPointer, to forms: inout VariableBuilder, _ form: (UInt8) -> UInt8?
    ) {
        unsafe forms.append(atMost: text.count) { target in
            var count = 0
            unsafe text.forEach { byte in
                guard let kept = form(byte) else { return }
                unsafe target[count] = kept
                count += 1
            }
            return count
        }
    }
}

private func isDigit(_ byte: UInt8) -> Bool { byte &- 0x30 < 10 }
private func isLetter(_ byte: UInt8) -> Bool { (byte | 0x20) &- 0x61 < 26 }
private func upperCase(_ byte: UInt8) -> UInt8 { byte &- 0x61 < 26 ? byte - 0x20 : byte }
private func lowerCase(_ byte: UInt8) -> UInt8 { byte &- 0x41 < 26 ? byte + 0x20 : byte }
