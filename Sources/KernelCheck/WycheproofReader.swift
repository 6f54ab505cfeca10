internal import Model

/// Files of C2SP's Wycheproof: question, answer and verdict stand in each case.
///
/// Schemas `mac_test`, `daead_test`, `fpe_str_test`, `fpe_list_test` and `hkdf_test`. `numberOfTests` must be what is there.
enum WycheproofReader {
    /// nil: no kernel computes this algorithm.
    static func read(_ file: JSON, algorithm: String) throws(VectorError) -> VectorCases? {
        guard let question = question(of: algorithm) else { return nil }
        var result = VectorCases()
        for group in try VectorFields.groups(file) {
            for (id, test) in try group.tests() {
                guard let verdict = VectorCase.Verdict(rawValue: try test.text("result")) else {
                    throw VectorError("case \(id): the result is not valid, acceptable or invalid")
                }
                if let question = try question(group, test) {
                    result.cases.append(VectorCase(id: id, verdict: verdict, questions: [question]))
                } else {
                    result.notRun += 1
                }
            }
        }
        let promised = try VectorFields(object: file, place: "the file").integer("numberOfTests")
        guard result.cases.count + result.notRun == promised else {
            throw VectorError("the file promises \(promised) cases and holds \(result.cases.count + result.notRun)")
        }
        return result
    }

    /// A question from a group and a case; nil where no kernel takes it.
    private typealias Asking = (VectorFields, VectorFields) throws(VectorError) -> VectorCase.Question?

    private static func question(of algorithm: String) -> Asking? {
        switch algorithm {
        case "HMACSHA256": hmac
        case "AES-CMAC": cmac
        case "AES-SIV-CMAC": siv
        case "AES-FF1": ff1
        case "HKDF-SHA-256": hkdf
        default: nil
        }
    }

    private static func hmac(_ group: VectorFields, _ test: VectorFields) throws(VectorError) -> VectorCase.Question? {
        .hmac(
            key: try test.bytes("key"), message: try test.bytes("msg"), tag: try test.bytes("tag"),
            length: try group.integer("tagSize") / 8)
    }

    private static func cmac(_ group: VectorFields, _ test: VectorFields) throws(VectorError) -> VectorCase.Question? {
        .cmac(
            key: try test.bytes("key"), message: try test.bytes("msg"), tag: try test.bytes("tag"),
            length: try group.integer("tagSize") / 8)
    }

    private static func siv(_ group: VectorFields, _ test: VectorFields) throws(VectorError) -> VectorCase.Question? {
        .siv(
            key: try test.bytes("key"), context: try test.bytes("aad"), plain: try test.bytes("msg"),
            sealed: try test.bytes("ct"))
    }

    private static func hkdf(_ group: VectorFields, _ test: VectorFields) throws(VectorError) -> VectorCase.Question? {
        .hkdf(
            key: try test.bytes("ikm"), salt: try test.bytes("salt"), info: try test.bytes("info"),
            size: try test.integer("size"), output: try test.bytes("okm"))
    }

    /// Texts over the group's alphabet, or lists of digits below its radix.
    private static func ff1(_ group: VectorFields, _ test: VectorFields) throws(VectorError) -> VectorCase.Question? {
        let key = try test.bytes("key")
        let tweak = try test.bytes("tweak")
        guard group.object["type"]?.text == "FpeListTest" else {
            let alphabet = Array(try group.text("alphabet").utf8)
            guard alphabet.allSatisfy({ $0 < 0x80 }) else { return nil }
            return .ff1(
                key: key, alphabet: alphabet, tweak: tweak, plain: Array(try test.text("msg").utf8),
                cipher: Array(try test.text("ct").utf8))
        }
        let radix = try group.integer("radix")
        // Digit d is byte d; byte 255 stands for a digit that is none.
        guard (2...255).contains(radix) else { return nil }
        func digits(_ name: String) throws(VectorError) -> [UInt8] {
            try test.list(name).map { $0.integer.flatMap { UInt8(exactly: $0) } ?? 255 }
        }
        return .ff1(
            key: key, alphabet: (0..<radix).map { UInt8($0) }, tweak: tweak, plain: try digits("msg"),
            cipher: try digits("ct"))
    }
}
