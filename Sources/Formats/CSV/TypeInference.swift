internal import CKernels
package import Model

/// A column's type with the evidence for it, as `plan` prints it.
package struct InferredColumn: Sendable, Equatable {
    package let name: String
    package let type: DataType
    /// `declared`; `inferred: all values are dates`; `inferred: leading zeros (a.csv, record 17)`. Never a value.
    package let reason: String
    package let isDeclared: Bool
    /// false: no record has a value. A declared column is taken to have some.
    package let hasValues: Bool

    package init(name: String, type: DataType, reason: String, isDeclared: Bool, hasValues: Bool = true) {
        self.name = name
        self.type = type
        self.reason = reason
        self.isDeclared = isDeclared
        self.hasValues = hasValues
    }

    package var sourceColumn: SourceColumn { SourceColumn(name: name, native: .delimited(type: type)) }
}

/// What the values of one undeclared column have looked like so far.
///
/// The type follows from the set of kinds seen and from the most digits before and after the point, so it does not
/// depend on the order of records or files:
///
/// | seen | type |
/// |---|---|
/// | no value | text |
/// | anything that can only be text, or kinds of several rows of this table | text |
/// | `true`, `false` (also `TRUE`, `True`) | boolean |
/// | integers of 64 bits, not `-0` | int64 |
/// | integers and decimals with digits on both sides of the point, at most 38 digits, at most 10 after the point | decimal |
/// | also numbers with exponent (behind a point, or with a sign: not `3E12`) or longer fraction, and float64 gives back every one as written | float64 |
/// | `YYYY-MM-DD` | date |
/// | `YYYY-MM-DD[ T]hh:mm:ss[.ffffff]` | timestamp |
/// | the same with `Z` or an offset | timestamptz |
struct TypeInference: Sendable {
    private(set) var evidence = kernel_csv_evidence()
    /// Where each kind was first seen.
    private var places: [Int: (file: String, record: Int64)] = [:]

    var hasValues: Bool { evidence.kinds != 0 }
    /// Nothing that follows can change the type.
    var isSettled: Bool { evidence.kinds >> KERNEL_CSV_ODD != 0 }

    mutating func add(_ column: kernel_csv_column, of batch: RecordReader) {
        let before = evidence.kinds
        unsafe withUnsafePointer(to: column) { unsafe kernel_csv_infer($0, &evidence) }
        let new = evidence.kinds & ~before
        guard new != 0 else { return }
        let rows = unsafe withUnsafeBytes(of: evidence.first_row) { unsafe Array($0.bindMemory(to: UInt32.self)) }
        for kind in 0..<rows.count where new >> UInt32(kind) & 1 == 1 {
            places[kind] = (batch.file, batch.number(ofRow: Int(rows[kind])))
        }
    }

    /// What another file's values looked like, which follow these. As if they had been added one after another.
    mutating func add(_ other: TypeInference) {
        guard !isSettled else { return }
        for (kind, place) in other.places where evidence.kinds >> UInt32(kind) & 1 == 0 { places[kind] = place }
        evidence.kinds |= other.evidence.kinds
        evidence.integer_digits = max(evidence.integer_digits, other.evidence.integer_digits)
        evidence.fraction_digits = max(evidence.fraction_digits, other.evidence.fraction_digits)
        evidence.loses_as_float |= other.evidence.loses_as_float
    }

    func conclusion() -> (type: DataType, reason: String) {
        let kinds = Kinds(rawValue: evidence.kinds)
        if kinds.isEmpty { return (.text, "no record has a value") }
        if isSettled { return (.text, oddity()) }
        switch kinds {
        case .boolean: return (.boolean, "all values are true or false")
        case .date: return (.date, "all values are dates")
        case .timestamp: return (.timestamp(isUTC: false), "all values are timestamps without offset")
        case .timestamptz: return (.timestamp(isUTC: true), "all values are timestamps with offset")
        case .integer: return (.int64, "all values are integers")
        default: break
        }
        guard kinds.isSubset(of: .numbers) else { return (.text, "mixed: " + mixture(kinds)) }
        if kinds.isDisjoint(with: .floats) {
            let scale = Int(evidence.fraction_digits)
            let precision = max(1, Int(evidence.integer_digits) + scale)
            if precision <= 38 {
                return (.decimal(precision: precision, scale: scale), "all values are plain numbers")
            }
        }
        if evidence.loses_as_float != 0 || kinds.contains(.bigInteger) {
            return (.text, "numbers that neither a decimal of 38 digits nor float64 holds as written")
        }
        return (.float64, kinds.contains(.exponent) ? "numbers with exponents" : "more than 10 digits after the point")
    }

    /// Why the column is text: the first odd value's kind and place.
    private func oddity() -> String {
        let kind = Int(evidence.kinds >> KERNEL_CSV_ODD).trailingZeroBitCount + KERNEL_CSV_ODD
        let words =
            switch kind {
            case KERNEL_CSV_ODD_LEADING_ZERO: "leading zeros"
            case KERNEL_CSV_ODD_PLUS: "a plus sign"
            case KERNEL_CSV_ODD_BLANK: "blanks around a value"
            case KERNEL_CSV_ODD_EMPTY: "a quoted empty field"
            case KERNEL_CSV_ODD_EXPONENT: "digits, E and digits, as codes have them"
            case KERNEL_CSV_ODD_NEGATIVE_ZERO: "a zero with a minus sign"
            case KERNEL_CSV_ODD_POINT: "a point without digits on both sides"
            case KERNEL_CSV_ODD_LONG_NUMBER: "a number with more digits than any type holds"
            default: "a value that is no number, date or boolean"
            }
        return words + place(kind)
    }

    private func mixture(_ kinds: Kinds) -> String {
        Kinds.names.filter { kinds.contains($0.0) }.map { kind, name in
            name + place(kind.rawValue.trailingZeroBitCount)
        }.joined(separator: ", ")
    }

    private func place(_ kind: Int) -> String {
        places[kind].map { " (\($0.file), record \($0.record))" } ?? ""
    }

    private struct Kinds: OptionSet {
        let rawValue: UInt32

        static let boolean = of(KERNEL_CSV_IS_BOOLEAN)
        static let integer = of(KERNEL_CSV_IS_INTEGER)
        static let bigInteger = of(KERNEL_CSV_IS_BIG_INTEGER)
        static let decimal = of(KERNEL_CSV_IS_DECIMAL)
        static let longFraction = of(KERNEL_CSV_IS_LONG_FRACTION)
        static let exponent = of(KERNEL_CSV_IS_EXPONENT)
        static let date = of(KERNEL_CSV_IS_DATE)
        static let timestamp = of(KERNEL_CSV_IS_TIMESTAMP)
        static let timestamptz = of(KERNEL_CSV_IS_TIMESTAMPTZ)
        static let floats: Self = [longFraction, exponent]
        static let numbers: Self = [integer, bigInteger, decimal, longFraction, exponent]

        static let names: [(Self, String)] = [
            (boolean, "booleans"), (integer, "integers"), (bigInteger, "large integers"), (decimal, "decimals"),
            (longFraction, "long fractions"), (exponent, "numbers with exponents"), (date, "dates"),
            (timestamp, "timestamps"), (timestamptz, "timestamps with offset"),
        ]

        private static func of(_ kind: Int) -> Self { Self(rawValue: 1 << UInt32(kind)) }
    }
}
