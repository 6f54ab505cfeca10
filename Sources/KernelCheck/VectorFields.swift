internal import Model

/// Members of a case's object, with an error that names what is missing.
struct VectorFields {
    let object: JSON
    /// `case 12`, `the file`: for messages.
    let place: String

    func text(_ name: String) throws(VectorError) -> String {
        guard let text = object[name]?.text else { throw VectorError("\(place) has no text \"\(name)\"") }
        return text
    }

    func integer(_ name: String) throws(VectorError) -> Int {
        guard let number = object[name]?.integer, let value = Int(exactly: number) else {
            throw VectorError("\(place) has no number \"\(name)\"")
        }
        return value
    }

    func list(_ name: String) throws(VectorError) -> [JSON] {
        guard let items = object[name]?.items else { throw VectorError("\(place) has no list \"\(name)\"") }
        return items
    }

    /// Bytes written as hexadecimal digits.
    func bytes(_ name: String) throws(VectorError) -> [UInt8] {
        let digits = Array(try text(name).utf8).map { Character(Unicode.Scalar($0)).hexDigitValue }
        guard digits.count.isMultiple(of: 2) else { throw VectorError("\(place): \"\(name)\" is not whole bytes") }
        var bytes: [UInt8] = []
        bytes.reserveCapacity(digits.count / 2)
        for start in stride(from: 0, to: digits.count, by: 2) {
            guard let high = digits[start], let low = digits[start + 1] else {
                throw VectorError("\(place): \"\(name)\" is not hexadecimal")
            }
            bytes.append(UInt8(high << 4 | low))
        }
        return bytes
    }

    /// The groups of a file, or the file itself where its cases are not grouped.
    static func groups(_ file: JSON) throws(VectorError) -> [VectorFields] {
        guard let groups = file["testGroups"] else { return [VectorFields(object: file, place: "the file")] }
        guard let items = groups.items else { throw VectorError("\"testGroups\" is no list") }
        return items.enumerated().map { VectorFields(object: $1, place: "group \($0 + 1)") }
    }

    /// The cases of a group with their numbers.
    func tests() throws(VectorError) -> [(id: Int64, fields: VectorFields)] {
        var found: [(id: Int64, fields: VectorFields)] = []
        for test in try list("tests") {
            guard let id = (test["tcId"] ?? test["id"])?.integer else {
                throw VectorError("a case in \(place) has no number")
            }
            found.append((id, VectorFields(object: test, place: "case \(id)")))
        }
        return found
    }
}
