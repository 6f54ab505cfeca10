/// What tells a header from a record of data, before anybody decided about a column.
///
/// A first record is taken for a header when the document names one of its fields at least, and every other field is
/// written like a name: 1 to 64 characters, the first a letter or `_`, the others letters, marks, digits, spaces and
/// `_ - . ( ) / %`, with at most four digits in all. So names that get into messages are the document's own, or stand
/// beside some of these and can hardly be anybody's number, date or address.
enum HeaderName {
    static func isWrittenLikeOne(_ field: String) -> Bool {
        let scalars = field.unicodeScalars
        guard scalars.count <= 64, let first = scalars.first, first == "_" || first.properties.isAlphabetic else {
            return false
        }
        var digits = 0
        for scalar in scalars {
            if scalar.properties.numericType != nil {
                digits += 1
            } else if !scalar.properties.isAlphabetic, !isMark(scalar), !" _-.()/%".unicodeScalars.contains(scalar) {
                return false
            }
        }
        return digits <= 4
    }

    /// The places, from one, of fields that keep a first record from being taken for a header; nil: it is one.
    static func oddPlaces(_ fields: [String], named: Set<String>) -> [Int]? {
        guard fields.contains(where: named.contains) else { return Array(1...fields.count) }
        let odd = fields.indices.filter { !named.contains(fields[$0]) && !isWrittenLikeOne(fields[$0]) }
        return odd.isEmpty ? nil : odd.map { $0 + 1 }
    }

    private static func isMark(_ scalar: Unicode.Scalar) -> Bool {
        switch scalar.properties.generalCategory {
        case .nonspacingMark, .spacingMark, .enclosingMark: true
        default: false
        }
    }
}
