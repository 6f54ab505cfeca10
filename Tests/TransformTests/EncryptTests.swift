import Columnar
import Foundation
import Model
import Secrets
import Testing

@testable import Transform

@Suite("encryption") struct EncryptTests {
    private func step(_ form: String? = nil, context: String = "notes") -> Step {
        let extra: [(String, Argument)] = form.map { [("as", .scalar(.text, $0))] } ?? []
        return Step("encrypt", .map([("key", "people"), ("context", .scalar(.text, context))] + extra))
    }

    private func reveal(_ step: Step, key: [UInt8] = Fixture.keyBytes) throws -> Reveal {
        var problems = ProblemList(file: nil)
        return try #require(Reveal(undoing: step.spec, key: MaskingKey(name: "any", bytes: key), problems: &problems))
    }

    @Test(
        "AES-256-SIV of Wycheproof, valid and invalid",
        .enabled(if: Shared.folder != nil, "the shared test data is not here"))
    func vectors() throws {
        let shared = try #require(Shared.folder)
        let data = try Data(contentsOf: URL(fileURLWithPath: "\(shared)/vectors/wycheproof/aes_siv_cmac_test.json"))
        let file = try #require(JSONSerialization.jsonObject(with: data) as? [String: Any])
        var counts = [0, 0]
        for group in file["testGroups"] as? [[String: Any]] ?? [] where group["keySize"] as? Int == 512 {
            for test in group["tests"] as? [[String: Any]] ?? [] {
                func bytes(_ name: String) throws -> [UInt8] { try #require(test[name] as? String).bytes }
                let key = unsafe try bytes("key").withUnsafeBytes { unsafe WipedBytes(copying: $0) }
                let sealing = try SealingKey(key, context: bytes("aad"))
                let sealed = try sealing.seal(.binary([bytes("msg")])).shown[0]
                let opened = try sealing.open(.binary([bytes("ct")]))
                if test["result"] as? String == "valid" {
                    #expect(sealed == test["ct"] as? String)
                    #expect(opened.opened == [1] && opened.column.shown[0] == test["msg"] as? String)
                    counts[0] += 1
                } else {
                    #expect(opened.opened == [0])
                    counts[1] += 1
                }
            }
        }
        #expect(counts.allSatisfy { $0 > 0 })
        print("AES-256-SIV: \(counts[0]) valid and \(counts[1]) invalid vectors")
    }

    @Test("the verb seals with the key of its context, the context being associated data")
    func composition() throws {
        let key = MaskingKey(name: "k", bytes: Fixture.keyBytes)
        let derived = unsafe WipedBytes(byteCount: 64) {
            unsafe key.expand(info: Array("etl-express/1/siv/notes".utf8), into: $0)
        }
        let sealed = SealingKey(derived, context: Array("notes".utf8)).seal(.texts(["anna", nil, ""]))
        #expect(try Fixture.run([step("binary")], .texts(["anna", nil, ""])).shown == sealed.shown)
    }

    @Test(
        "64 byte keys are HKDF-SHA-256 (Wycheproof)",
        .enabled(if: Shared.folder != nil, "the shared test data is not here"))
    func hkdf() throws {
        let shared = try #require(Shared.folder)
        let data = try Data(contentsOf: URL(fileURLWithPath: "\(shared)/vectors/wycheproof/hkdf_sha256_test.json"))
        let file = try #require(JSONSerialization.jsonObject(with: data) as? [String: Any])
        var count = 0
        for group in file["testGroups"] as? [[String: Any]] ?? [] {
            for test in group["tests"] as? [[String: Any]] ?? [] {
                guard let ikm = (test["ikm"] as? String)?.bytes, ikm.count == 32, test["salt"] as? String == "",
                    let info = (test["info"] as? String)?.bytes, let size = test["size"] as? Int, size > 32, size <= 64,
                    test["result"] as? String == "valid", let okm = test["okm"] as? String
                else { continue }
                let key = MaskingKey(name: "k", bytes: ikm)
                let derived = unsafe WipedBytes(byteCount: 64) { unsafe key.expand(info: info, into: $0) }
                #expect(unsafe derived.withBytes { unsafe Array($0) }.hexadecimal.hasPrefix(okm))
                count += 1
            }
        }
        print("HKDF: \(count) vectors with 32 byte keys, no salt and 33 to 64 bytes of output")
    }

    @Test(
        "every value comes back from every form; nulls stay, equal values are equal",
        arguments: ["base64url", "base32", "hex", "binary"])
    func roundTrip(form: String) throws {
        var random = SeededGenerator.fresh("sealed as \(form)")
        var values: [[UInt8]?] = [nil, [], [0], [0xff, 0xfe]]
        for length in [1, 2, 3, 4, 5, 15, 16, 17, 31, 32, 33, 63, 64, 65, 1000] {
            // One random byte is not to be the value [0] once more.
            values.append((0..<length).map { _ in UInt8.random(in: (length == 1 ? 1 : 0)...255, using: &random) })
        }
        values += values
        let tokens = try Fixture.run([step(form)], .binary(values))
        #expect(tokens.type == (form == "binary" ? .binary : .text))
        let result = try reveal(step(form)).values(of: tokens)
        #expect(result.failures.isEmpty)
        #expect(result.values.shown == Column.binary(values).shown)
        let shown = tokens.shown
        #expect(Array(shown.prefix(shown.count / 2)) == Array(shown.suffix(shown.count / 2)))
        #expect(Set(shown).count == shown.count / 2)
        let sealed = try Fixture.run([step("binary")], .binary(values)).shown
        for (text, bytes) in zip(shown, sealed) {
            guard let text, let bytes else { continue }
            let raw = Data(bytes.bytes)
            switch form {
            case "base64url":
                let standard = raw.base64EncodedString().replacingOccurrences(of: "+", with: "-").replacingOccurrences(
                    of: "/", with: "_")
                #expect(text == standard.trimmingCharacters(in: ["="]))
            case "hex", "binary": #expect(text == bytes)
            default:
                #expect(
                    text.count == (raw.count * 8 + 4) / 5
                        && text.allSatisfy { "abcdefghijklmnopqrstuvwxyz234567".contains($0) })
            }
        }
        for size in [1, 7] {
            var pieces: [String?] = []
            for start in stride(from: 0, to: values.count, by: size) {
                pieces += try Fixture.run([step(form)], .binary(Array(values[start..<min(start + size, values.count)])))
                    .shown
            }
            #expect(pieces == shown)
        }
    }

    @Test("another key, another context, a changed or foreign text does not open, and its row is named")
    func tampering() throws {
        let tokens = try Fixture.texts([step("hex")], ["anna", "bert"]).map { $0 ?? "" }
        let flipped = (tokens[0].first == "0" ? "1" : "0") + tokens[0].dropFirst()
        let all: [String?] = [
            tokens[0], flipped, nil, tokens[1] + "0", "", "zz", String(tokens[1].dropLast(2)), tokens[1].uppercased(),
            tokens[1],
        ]
        let result = try reveal(step("hex")).values(of: .texts(all))
        #expect(result.failures.map(\.row) == [1, 3, 4, 5, 6, 7])
        #expect(
            result.failures.map(\.failure) == [.notOpened, .wrongForm, .notOpened, .wrongForm, .notOpened, .wrongForm])
        #expect(
            result.values.shown.map { $0.map { String(decoding: $0.bytes, as: UTF8.self) } } == [
                "anna", nil, nil, nil, nil, nil, nil, nil, "bert",
            ])
        #expect(try reveal(step("hex"), key: Fixture.otherKeyBytes).values(of: .texts(all)).failures.count == 8)
        #expect(
            try reveal(step("hex", context: "other")).values(of: .texts(tokens)).failures.map(\.failure) == [
                .notOpened, .notOpened,
            ])
        #expect(try Fixture.texts([step()], ["anna"]) != Fixture.texts([step(context: "other")], ["anna"]))
    }

    @Test("the commands of docs/verbs.md open it")
    func openssl() throws {
        for value in ["anna@example.org", "", "x", String(repeating: "é", count: 500)] {
            let token = try #require(try Fixture.texts([step("hex")], [value])[0])
            let output = try Command.run(
                ["/bin/sh", "-c", try Documentation.openingCommands()], input: Data(token.utf8),
                environment: ["KEY": Fixture.keyBytes.hexadecimal, "CONTEXT": "notes"])
            #expect(String(decoding: output, as: UTF8.self) == value)
        }
    }

    @Test("the plan says method, key and context; only these two verbs can be undone")
    func plan() throws {
        var problems = ProblemList(file: nil)
        let transform = try #require(
            Fixture.compile(
                [Fixture.rule("c", [step()])], [Fixture.input("c", .list(.text))], keys: nil, problems: &problems))
        let plan = transform.columns[0].steps[0]
        #expect(plan.summary == "encrypt(key: people, context: notes, as: base64url)")
        #expect(plan.method == "aes-siv" && plan.key == "people" && plan.scope == "notes" && plan.mapping == .injective)
        let key = MaskingKey(name: "k", bytes: Fixture.keyBytes)
        #expect(
            Reveal(undoing: Step("token", ["key": "people", "scope": "s"]).spec, key: key, problems: &problems) == nil)
        #expect(
            Reveal(undoing: Step("encrypt", ["key": "people", "contxt": "s"]).spec, key: key, problems: &problems)
                == nil)
        #expect(problems.hasErrors)
        #expect(
            "\(SealingKey(key.secret(for: .encryption(context: "c"), byteCount: 64), context: []))" == "derived key")
    }
}
