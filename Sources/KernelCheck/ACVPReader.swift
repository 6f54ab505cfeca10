internal import Model

/// Files of NIST's ACVP: the questions in `prompt.json`, the answers in `expectedResults.json`, cases matched by number.
///
/// Also a flat list of cases with question and answer (NIST's FF1 samples), given as both. Lengths count bits.
enum ACVPReader {
    /// nil: no kernel computes this algorithm.
    static func read(prompt: JSON, results: JSON, algorithm: String) throws(VectorError) -> VectorCases? {
        guard let asking = asking(of: algorithm) else { return nil }
        var answers: [Int64: VectorFields] = [:]
        for group in try VectorFields.groups(results) {
            for (id, answer) in try group.tests() {
                guard answers.updateValue(answer, forKey: id) == nil else {
                    throw VectorError("case \(id) has two answers")
                }
            }
        }
        var result = VectorCases()
        for group in try VectorFields.groups(prompt) {
            for (id, test) in try group.tests() {
                guard let answer = answers.removeValue(forKey: id) else {
                    throw VectorError("case \(id) has no answer")
                }
                let questions = try asking(group, test, answer)
                if questions.isEmpty {
                    result.notRun += 1
                } else {
                    result.cases.append(VectorCase(id: id, verdict: .valid, questions: questions))
                }
            }
        }
        guard answers.isEmpty else { throw VectorError("\(answers.count) answers belong to no case") }
        return result
    }

    /// Questions from a group, a case and its answer; none where no kernel takes it.
    private typealias Asking = (VectorFields, VectorFields, VectorFields) throws(VectorError) -> [VectorCase.Question]

    private static func asking(of algorithm: String) -> Asking? {
        switch algorithm {
        case "HMAC-SHA2-256": hmac
        case "ACVP-AES-ECB": blocks
        case "ACVP-AES-FF1", "FF1": ff1
        default: nil
        }
    }

    private static func hmac(
        _ group: VectorFields, _ test: VectorFields, _ answer: VectorFields
    ) throws(VectorError) -> [VectorCase.Question] {
        // In the group in revision 1.0, in the case in revision 2.0.
        let tagBits = try (test.object["macLen"] == nil ? group : test).integer("macLen")
        let messageBits = try (test.object["msgLen"] == nil ? group : test).integer("msgLen")
        let message = try test.bytes("msg")
        guard tagBits > 0, tagBits.isMultiple(of: 8), messageBits == 8 * message.count else { return [] }
        return [
            .hmac(
                key: try test.bytes("key"), message: message, tag: Array(try answer.bytes("mac").prefix(tagBits / 8)),
                length: tagBits / 8)
        ]
    }

    /// What is asked in one direction is checked in the one that there is a kernel for: `cipher` is `plain` encrypted.
    private static func blocks(
        _ group: VectorFields, _ test: VectorFields, _ answer: VectorFields
    ) throws(VectorError) -> [VectorCase.Question] {
        let isEncryption = try group.text("direction") == "encrypt"
        guard try group.text("testType") != "MCT" else {
            // Monte Carlo: each row's text went a thousand times through the cipher with the row's key; the first row is asked.
            var questions: [VectorCase.Question] = []
            for (index, row) in try answer.list("resultsArray").enumerated() {
                let row = VectorFields(object: row, place: answer.place)
                let asked = index == 0 ? test : row
                questions.append(
                    .blocks(
                        key: try asked.bytes("key"), plain: try (isEncryption ? asked : row).bytes("pt"),
                        cipher: try (isEncryption ? row : asked).bytes("ct"), times: 1000))
            }
            return questions
        }
        return [
            .blocks(
                key: try test.bytes("key"), plain: try (isEncryption ? test : answer).bytes("pt"),
                cipher: try (isEncryption ? answer : test).bytes("ct"), times: 1)
        ]
    }

    private static func ff1(
        _ group: VectorFields, _ test: VectorFields, _ answer: VectorFields
    ) throws(VectorError) -> [VectorCase.Question] {
        let isEncryption = group.object["direction"]?.text != "decrypt"
        let alphabet = Array(try (test.object["alphabet"] == nil ? group : test).text("alphabet").utf8)
        guard alphabet.allSatisfy({ $0 < 0x80 }) else { return [] }
        return [
            .ff1(
                key: try test.bytes("key"), alphabet: alphabet, tweak: try test.bytes("tweak"),
                plain: Array(try (isEncryption ? test : answer).text("pt").utf8),
                cipher: Array(try (isEncryption ? answer : test).text("ct").utf8))
        ]
    }
}
