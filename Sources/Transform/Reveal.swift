package import Columnar
package import Model

/// Turns back what `format_preserving` and `encrypt` wrote, for the key's holder.
///
/// Whoever uses it keeps the audit: this type neither logs nor prints.
package struct Reveal: Sendable {
    package enum Failure: String, Sendable {
        /// Sealed with another key or context, or changed since.
        case notOpened
        /// No text that the step writes.
        case wrongForm
        case outsideAlphabet, tooShort, tooLong, wrongCheckDigit

        /// A sentence without the value.
        package var found: String {
            switch self {
            case .notOpened: "does not open: another key or context, or the text was changed"
            case .wrongForm: "is no text that `encrypt` writes in this form"
            case .outsideAlphabet: "has a character that is not of the alphabet"
            case .tooShort: "is too short for the rule"
            case .tooLong: "is longer than the method takes"
            case .wrongCheckDigit: "has wrong check digits"
            }
        }
    }

    package struct Result: Sendable {
        /// The values; null where one failed or the token was null. Text, or binary where `encrypt` sealed bytes.
        package let values: Column
        /// Rows that failed, ascending.
        package let failures: [(row: Int, failure: Failure)]
    }

    private enum Method: Sendable {
        case format(FormatCipher)
        case sealed(SealingKey, SealedForm)
    }

    /// As the metadata has it: `ff1-aes-256`, `aes-siv`.
    package let methodName: String
    /// The step's scope or context.
    package let scope: String
    private let method: Method

    /// What undoes a step that a document has.
    ///
    /// - Parameter step: of the verb `format_preserving` or `encrypt`, with the arguments of the document. Whatever key it
    ///   names, `key` is used.
    /// - Returns: nil when the step is wrong; the problems are those that the document would have.
    package init?(undoing step: StepSpec, key: MaskingKey, problems: inout ProblemList) {
        guard let verb = [Verb.formatPreserving, .encrypt].first(where: { $0.name == step.verb }) else {
            problems.error(
                step.position, found: "verb \"\(step.verb)\" cannot be undone", expected: "format_preserving or encrypt"
            )
            return nil
        }
        var found = problems.continued
        guard var arguments = Arguments(step, verb: verb, problems: &found) else {
            problems.append(contentsOf: found.problems)
            return nil
        }
        let definition = verb.read(&arguments)
        problems.append(contentsOf: found.problems + arguments.problems.problems)
        if found.hasErrors || arguments.problems.hasErrors { return nil }
        switch definition {
        case let step as FormatPreservingStep:
            method = .format(FormatCipher(step.rule, key: key, scope: step.scope))
            methodName = "ff1-aes-256"
            scope = step.scope
        case let step as EncryptStep:
            method = .sealed(step.sealingKey(from: key), step.form)
            methodName = "aes-siv"
            scope = step.context
        default: return nil
        }
    }

    /// - Shape: a row for each token. `tokens` is text, or binary after `as: binary`.
    /// - Nulls stay null. An FF1 text under a wrong key is not noticed: it gives another value of the same form.
    package func values(of tokens: Column) -> Result {
        switch method {
        case .format(let cipher):
            let result = cipher.apply(.decrypt, to: tokens)
            return Result(values: result.column, failures: result.failures.map { ($0.row, Reveal.failure($0.code)) })
        case .sealed(let key, let form):
            let (sealed, good) = form.decode(tokens)
            let (values, opened) = key.open(sealed)
            var failures: [(row: Int, failure: Failure)] = []
            var bits = [UInt8](repeating: 0, count: (tokens.rowCount + 7) / 8)
            for row in 0..<tokens.rowCount where !tokens.isNull(row) {
                if good[row] == 0 {
                    failures.append((row, .wrongForm))
                } else if opened[row] == 0 {
                    failures.append((row, .notOpened))
                } else {
                    bits[row >> 3] |= 1 << UInt8(row & 7)
                }
            }
            let kept = Column(
                type: .binary, rowCount: tokens.rowCount, validity: Buffer(copying: bits), storage: values.storage)
            return Result(values: kept, failures: failures)
        }
    }

    private static func failure(_ code: TransformError.Code) -> Failure {
        switch code {
        case .domainTooSmall: .tooShort
        case .tooLong: .tooLong
        case .wrongCheckDigit: .wrongCheckDigit
        default: .outsideAlphabet
        }
    }
}
