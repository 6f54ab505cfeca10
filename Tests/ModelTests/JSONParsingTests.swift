import Foundation
import Model
import Testing

@Suite("Reading JSON")
struct JSONParsingTests {
    @Test("what is written is read back, in order")
    func roundTrip() throws {
        let value: JSON = .record([
            "b": [1, true, .null, .number(1.5), .integer(.min), .integer(.max)],
            "a": .text("\u{0}\u{1f}\"\\/\u{7f}\u{2028}\u{1f600}e\u{301}\n"),
            "": .object([]), "list": [],
        ])
        for isPretty in [false, true] {
            #expect(try JSON.parse(Array(value.text(isPretty: isPretty).utf8)) == value)
        }
        #expect(value.members?.map(\.name) == ["b", "a", "", "list"])
        #expect(value["b"]?.items?.first?.integer == 1)
    }

    @Test("an error names a byte offset and nothing of the text")
    func errors() {
        let error = #expect(throws: JSON.ParseError.self) { try JSON.parse(Array("{\"Schmidt\": nul}".utf8)) }
        #expect(error?.byteOffset == 15)
    }

    @Test(
        "texts that others read in different ways are refused",
        arguments: [
            "{\"a\":1,\"a\":1}", "\"\\ud800\"", "\"\\udc00\"", "\"\\ud800\\u0041\"", "01", "1.", "+1", "[1,]", "[1 2]",
            "", " ", "{} {}", "\u{feff}{}", "NaN", "'a'", "\"\n\"",
        ])
    func refused(_ text: String) {
        #expect(throws: JSON.ParseError.self) { try JSON.parse(Array(text.utf8)) }
    }

    private static let archive: String = {
        let root = URL(fileURLWithPath: #filePath).deletingLastPathComponent().deletingLastPathComponent()
            .deletingLastPathComponent().deletingLastPathComponent().appendingPathComponent("shared").path
        let shared = ProcessInfo.processInfo.environment["ETL_SHARED"] ?? root
        return "\(shared)/data/json-testsuite/jsontestsuite.tar.zst"
    }()

    @Test(
        "the JSON test suite's files are accepted and rejected as it asks, doubled names apart",
        .enabled(if: FileManager.default.fileExists(atPath: archive), "ETL_SHARED has no JSON test suite"))
    func suite() throws {
        let folder = NSTemporaryDirectory() + "etlx-json-\(UUID().uuidString)"
        try FileManager.default.createDirectory(atPath: folder, withIntermediateDirectories: true)
        defer { try? FileManager.default.removeItem(atPath: folder) }
        let process = Process()
        process.executableURL = URL(fileURLWithPath: "/bin/sh")
        process.arguments = [
            "-c", "zstd --decompress --stdout \"$0\" | tar --extract --directory \"$1\"", Self.archive, folder,
        ]
        try process.run()
        process.waitUntilExit()
        try #require(process.terminationStatus == 0)
        var counts = (accepted: 0, rejected: 0)
        let names = FileManager.default.enumerator(atPath: folder)?.compactMap { $0 as? String } ?? []
        for path in names where path.hasSuffix(".json") {
            let name = URL(fileURLWithPath: path).lastPathComponent
            let bytes = Array(try Data(contentsOf: URL(fileURLWithPath: "\(folder)/\(path)")))
            let isAccepted = (try? JSON.parse(bytes)) != nil
            if name.hasPrefix("y_"), !name.contains("duplicated_key") {
                #expect(isAccepted, "\(name)")
                counts.accepted += 1
            } else if name.hasPrefix("n_") {
                #expect(!isAccepted, "\(name)")
                counts.rejected += 1
            }
        }
        #expect(counts.accepted >= 90 && counts.rejected >= 180)
    }
}

@Suite("SHA-256")
struct SHA256Tests {
    @Test(
        "the examples of FIPS 180 and lengths around a block",
        arguments: [
            ("", "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"),
            ("abc", "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad"),
            (
                "abcdbcdecdefdefgefghfghighijhijkijkljklmklmnlmnomnopnopq",
                "248d6a61d20638b8e5c026930c3e6039a33ce45964ff2167f6ecedd419db06c1"
            ),
            (
                String(repeating: "a", count: 1_000),
                "41edece42d63e8d9bf515a9ba6932e1c20cbc9f5a5d134645adb5db1b9737ea3"
            ),
        ])
    func examples(_ text: String, _ digest: String) {
        #expect(SHA256.hexadecimal(text) == digest)
    }
}
