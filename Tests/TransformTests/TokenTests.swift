import Columnar
import Foundation
import Model
import Testing

@testable import Transform

@Suite("tokens") struct TokenTests {
    /// Run by python3 with hashlib and hmac alone: key, scope and values in, tokens of the recipe out.
    static let recipe = """
        import base64, hmac, json, sys
        job = json.load(sys.stdin)
        extracted = hmac.digest(bytes(32), bytes.fromhex(job["key"]), "sha256")
        derived = hmac.digest(extracted, ("etl-express/1/token/" + job["scope"]).encode() + b"\\x01", "sha256")
        print(json.dumps([base64.b32encode(hmac.digest(derived, bytes.fromhex(v), "sha256")[:16]).decode().rstrip("=").lower() for v in job["values"]]))
        """
    static let lengths = [0, 1, 55, 56, 63, 64, 65, 119, 120, 1 << 20]

    @Test(
        "10,000 values of every length class and of no encoding have the tokens that others compute",
        arguments: [
            ("people", "patient"), ("people", "email"), ("other", "patient"), ("other", "email"),
        ])
    func outsiders(key: String, scope: String) throws {
        let python = ProcessInfo.processInfo.environment["ETL_TEST_PYTHON"] ?? "python3"
        var random = SeededGenerator.fresh("tokens under \(key), \(scope)")
        var values: [[UInt8]] = Self.lengths.map { length in
            (0..<length).map { _ in UInt8.random(in: 0...255, using: &random) }
        }
        values += [[0xff, 0xfe], [0xc3], [0], Array("日本".utf8)]
        while values.count < 10_000 {
            values.append(
                (0..<Int.random(in: 0...130, using: &random)).map { _ in UInt8.random(in: 0...255, using: &random) })
        }
        let arguments: Argument = .map([("key", .scalar(.text, key)), ("scope", .scalar(.text, scope))])
        let tokens = try Fixture.run([Step("token", arguments)], .binary(values)).shown.map { $0 ?? "" }
        let bytes = key == "people" ? Fixture.keyBytes : Fixture.otherKeyBytes
        let job: [String: Any] = ["key": bytes.hexadecimal, "scope": scope, "values": values.map(\.hexadecimal)]
        let output = try Command.run(
            ["/usr/bin/env", python, "-c", Self.recipe], input: JSONSerialization.data(withJSONObject: job))
        let expected = try #require(JSONSerialization.jsonObject(with: output) as? [String])
        #expect(tokens == expected)
    }

    @Test("the commands of docs/verbs.md give the same tokens", arguments: ["people", "other"])
    func openssl(key: String) throws {
        let bytes = key == "people" ? Fixture.keyBytes : Fixture.otherKeyBytes
        var values: [[UInt8]] = Self.lengths.map { [UInt8](repeating: 0x61, count: $0) }
        values += (0..<6).map { Array("value \($0) é".utf8) }
        let arguments: Argument = .map([("key", .scalar(.text, key)), ("scope", "patient")])
        let tokens = try Fixture.run([Step("token", arguments)], .binary(values)).shown
        for (value, token) in zip(values, tokens) {
            let output = try Command.run(
                ["/bin/sh", "-c", try Documentation.tokenCommands()], input: Data(value),
                environment: ["KEY": bytes.hexadecimal, "SCOPE": "patient"])
            let recomputed = String(decoding: output, as: UTF8.self).trimmingCharacters(in: .whitespacesAndNewlines)
            #expect(recomputed == token, "\(value.count) bytes")
        }
    }

    @Test("other forms hold the leftmost bits of the same digest")
    func forms() throws {
        func token(_ extra: [(String, Argument)]) throws -> [String?] {
            try Fixture.texts([Step("token", .map([("key", "people"), ("scope", "s")] + extra))], ["x", nil, ""])
        }
        let hex = try token([("as", "hex"), ("length", 64)])
        let digest = try #require(hex[0])
        #expect(digest.count == 64)
        #expect(try token([("as", "hex")])[0] == String(digest.prefix(32)))
        let bits = UInt64(digest.prefix(16), radix: 16)! >> 1
        #expect(try token([("as", "int64")])[0] == String(bits))
        let uuid = try #require(token([("as", "uuid")])[0])
        #expect(uuid.count == 36)
        #expect(Array(uuid)[14] == "8")
        #expect("89ab".contains(Array(uuid)[19]))
        #expect(uuid.prefix(8) == digest.prefix(8))
        #expect(try token([("length", 52)])[0]?.prefix(25) == token([])[0]?.prefix(25))
        #expect(try token([]).map { $0 == nil } == [false, true, false])
    }

    @Test("tokens do not depend on how rows are cut into chunks")
    func chunking() throws {
        let values = (0..<300).map { $0 % 7 == 0 ? nil : "value \($0 % 50)" }
        let step = Step("token", ["key": "people", "scope": "s"])
        let whole = try Fixture.texts([step], values)
        for size in [1, 3, 63, 64, 65] {
            var pieces: [String?] = []
            for start in stride(from: 0, to: values.count, by: size) {
                pieces += try Fixture.texts([step], Array(values[start..<min(start + size, values.count)]))
            }
            #expect(pieces == whole)
        }
        #expect(whole[1] == whole[51])
    }

    @Test("each type's token is that of its text form")
    func textForms() throws {
        let step = Step("token", ["key": "people", "scope": "s"])
        let columns: [Column] = [
            .fixed([Int16(-5), nil], .int16), .fixed([Int32.min, nil], .int32), .fixed([Int64.min, 7], .int64),
            .fixed([Int128(-1250), nil], .decimal(precision: 9, scale: 2)), .booleans([true, false, nil]),
            .fixed([Int32(20_000), nil], .date), .fixed([Int64(5), nil], .timestamp(isUTC: true)),
            .fixed([Int64(5_000_000), nil], .timestamp(isUTC: false)),
        ]
        for column in columns {
            #expect(try Fixture.run([step], column).shown == Fixture.texts([step], column.shown), "\(column.type)")
        }
        #expect(columns[3].shown[0] == "-12.50")
        #expect(columns[6].shown[0] == "1970-01-01T00:00:00.000005Z")
    }

    @Test("weak tokens are refused unless the rule allows them, and then the plan says so")
    func weakness() throws {
        let short = Fixture.problems([Step("token", ["key": "people", "scope": "s", "length": 15])], on: .text)
        #expect(!short.isEmpty)
        #expect(
            Fixture.problems([Step("token", ["key": "people", "scope": "s", "length": 13])], on: .text).joined()
                .contains("allow_weak"))
        #expect(
            Fixture.problems(
                [Step("token", ["key": "people", "scope": "s", "as": "int64"])], on: .text, rows: 1_000_000
            )
            .joined().contains("allow_weak"))
        #expect(
            Fixture.problems([Step("token", ["key": "people", "scope": "s", "as": "int64"])], on: .text, rows: 1_000)
                .isEmpty)
        #expect(
            !Fixture.problems([Step("token", ["key": "people", "scope": "s", "as": "int64"])], on: .text, rows: -1)
                .isEmpty)
        #expect(
            Fixture.problems([Step("token", ["key": "people", "scope": "s"])], on: .text, rows: 10_000_000_000).isEmpty)
        var problems = ProblemList(file: nil)
        let allowed = Fixture.compile(
            [Fixture.rule("c", [Step("token", ["key": "people", "scope": "s", "as": "int64", "allow_weak": true])])],
            [Fixture.input("c", .text)], rows: 1_000_000, problems: &problems)
        #expect(allowed?.columns[0].steps[0].isWeak == true)
    }
}

/// Runs a program to its end.
enum Command {
    struct Failed: Error { let status: Int32 }

    static func run(_ words: [String], input: Data, environment: [String: String] = [:]) throws -> Data {
        let process = Process()
        process.executableURL = URL(fileURLWithPath: words[0])
        process.arguments = Array(words.dropFirst())
        process.environment = ProcessInfo.processInfo.environment.merging(environment) { $1 }
        // Through a file: a pipe would need a second thread to be filled.
        let folder = FileManager.default.temporaryDirectory.appendingPathComponent(UUID().uuidString)
        try FileManager.default.createDirectory(at: folder, withIntermediateDirectories: true)
        defer { try? FileManager.default.removeItem(at: folder) }
        let file = folder.appendingPathComponent("input")
        try input.write(to: file)
        process.standardInput = try FileHandle(forReadingFrom: file)
        let output = Pipe()
        process.standardOutput = output
        try process.run()
        let data = output.fileHandleForReading.readDataToEndOfFile()
        process.waitUntilExit()
        guard process.terminationStatus == 0 else { throw Failed(status: process.terminationStatus) }
        return data
    }
}
