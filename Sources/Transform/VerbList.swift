internal import Model

/// Every verb of the language, in the order of `docs/verbs.md`.
package enum VerbList {
    package static let all: [Verb] = [
        // pass
        .keep, .drop, .from, .constant, .nullIf, .nullTo, .onSpecial,
        // clean
        .trim, .collapseSpaces, .lowercase, .uppercase, .normalizeUnicode, .replace, .map, .parseNumber, .parseDate,
        .parseTimestamp, .cast, .normalizeEmail, .normalizePhone, .normalizeIBAN,
        // pseudonymise
        .token, .shiftDates, .formatPreserving, .encrypt,
        // generalise
        .generalize, .prefix, .ranges, .width, .round, .clamp, .mask,
        // free text
        .redact,
        // known, without an engine here
        Verb(unavailable: "fake", .pseudonymise, .pseudonymise, .lossy),
        Verb(unavailable: "hierarchy", .generalise, .generalise, .lossy),
        Verb(unavailable: "noise", .perturb, .perturb, .lossy),
    ]

    /// The verbs that work, for messages.
    package static let names = all.filter(\.isAvailable).map(\.name)

    package static func find(_ name: String) -> Verb? { all.first { $0.name == name } }
}
