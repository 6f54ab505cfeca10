package import Model

/// A value that a rule cannot take. Names the column, the step and the row, never the value.
package struct TransformError: Error, Sendable, Equatable, CustomStringConvertible {
    package enum Code: String, Sendable {
        /// Text that is not of the form that a parse step states.
        case doesNotParse
        /// A value that the target type cannot hold exactly.
        case doesNotFit
        /// A value that a map does not name.
        case unmapped
        /// Bytes that are no UTF-8.
        case notText
        /// A phone number or IBAN that breaks its rules.
        case notValid
        /// A date that nobody's shift applies to.
        case noSubject
        /// A value with a character that its alphabet does not have.
        case outsideAlphabet
        /// A value with too few characters to be encrypted among enough others.
        case domainTooSmall
        /// A value with more characters than the method takes.
        case tooLong
        /// A value whose check digits are wrong.
        case wrongCheckDigit
    }

    package let code: Code
    /// The output column.
    package let column: String
    /// Index of the step in the column's rule, and its verb.
    package let step: Int
    package let verb: String
    /// Ordinal of the row within its shard, from zero.
    package let rowOrdinal: Int64

    package init(_ code: Code, column: String, step: Int, verb: String, rowOrdinal: Int64) {
        self.code = code
        self.column = column
        self.step = step
        self.verb = verb
        self.rowOrdinal = rowOrdinal
    }

    package var found: String {
        switch code {
        case .doesNotParse: "a value is not of the stated form"
        case .doesNotFit: "a value does not fit the type without loss"
        case .unmapped: "a value is not in the map"
        case .notText: "a value is not valid UTF-8"
        case .notValid: "a value breaks the rules of its kind"
        case .noSubject: "the column that tells whose date it is holds NULL"
        case .outsideAlphabet: "a value has a character that is not of the alphabet"
        case .domainTooSmall: "a value is too short: fewer than 1,000,000 values share its length and alphabet"
        case .tooLong: "a value is longer than the method takes"
        case .wrongCheckDigit: "a value's check digits are wrong"
        }
    }

    package var remedy: String {
        switch code {
        case .unmapped: "add the value to the map, or `otherwise: keep`, `otherwise: null` or `on_failure: drop_row`"
        case .domainTooSmall:
            "use `token`, or `small_domain: permute`, or add `on_failure: null` or `on_failure: drop_row` to the step"
        case .doesNotParse, .doesNotFit, .notText, .notValid, .noSubject, .outsideAlphabet, .tooLong, .wrongCheckDigit:
            "correct the source, or add `on_failure: null` or `on_failure: drop_row` to the step"
        }
    }

    /// The same value fails on every worker.
    package var disposition: Disposition { .failRun }

    package var description: String {
        "column \"\(column)\", step \(step + 1) (\(verb)), row \(rowOrdinal) of the shard: \(found); \(remedy)"
    }
}
