import Columnar
import Foundation
import Model
import Testing

@testable import Transform

@Suite("tokens by CMAC") struct TokenFunctionTests {
    private func step(_ extra: [(String, Argument)] = [], scope: String = "patient") -> Step {
        Step("token", .map([("key", "people"), ("scope", .scalar(.text, scope)), ("function", "cmac")] + extra))
    }

    @Test("the commands of docs/verbs.md give the same tokens")
    func openssl() throws {
        let values = [0, 1, 15, 16, 17, 31, 32, 33, 1000].map { String(repeating: "a", count: $0) } + ["érték"]
        let tokens = try Fixture.texts([step()], values)
        for (value, token) in zip(values, tokens) {
            let output = try Command.run(
                ["/bin/sh", "-c", try Documentation.macCommands()], input: Data(value.utf8),
                environment: ["KEY": Fixture.keyBytes.hexadecimal, "SCOPE": "patient"])
            #expect(String(decoding: output, as: UTF8.self).trimmingCharacters(in: .whitespacesAndNewlines) == token)
        }
    }

    @Test("all forms hold the leftmost bits of one digest of 128; hmac stays what it was")
    func forms() throws {
        let hex = try #require(try Fixture.texts([step([("as", "hex")])], ["x"])[0])
        #expect(hex.count == 32)
        #expect(try Fixture.texts([step([("as", "hex"), ("length", 20)])], ["x"])[0] == String(hex.prefix(20)))
        #expect(
            try Fixture.texts([step([("as", "int64")])], ["x"])[0] == String(UInt64(hex.prefix(16), radix: 16)! >> 1))
        #expect(try Fixture.texts([step([("as", "uuid")])], ["x"])[0]?.prefix(8) == hex.prefix(8))
        let plain = Step("token", ["key": "people", "scope": "patient"])
        let named = Step("token", ["key": "people", "scope": "patient", "function": "hmac"])
        #expect(try Fixture.texts([plain], ["x", nil, ""]) == Fixture.texts([named], ["x", nil, ""]))
        #expect(try Fixture.texts([plain], ["x"]) != Fixture.texts([step()], ["x"]))
        #expect(try Fixture.texts([step(scope: "other")], ["x"]) != Fixture.texts([step()], ["x"]))
        #expect(try Fixture.texts([step()], ["x", nil, "", "x"]).map { $0 == nil } == [false, true, false, false])
        #expect(try Fixture.run([step()], .fixed([Int64(12)], .int64)).shown == Fixture.texts([step()], ["12"]))
    }

    @Test("the plan names the function")
    func plan() throws {
        var problems = ProblemList(file: nil)
        let transform = try #require(
            Fixture.compile([Fixture.rule("c", [step()])], [Fixture.input("c", .text)], keys: nil, problems: &problems))
        #expect(transform.columns[0].steps[0].method == "aes-256-cmac")
        #expect(
            transform.columns[0].steps[0].summary
                == "token(key: people, scope: patient, as: base32, length: 26, function: cmac)")
    }
}
