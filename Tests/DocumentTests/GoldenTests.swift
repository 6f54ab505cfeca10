import Foundation
import Model
import Testing

@testable import Document

/// Each document in `Goldens/Document` holds planted mistakes; beside it stands what the reader says of them.
/// `RECORD_GOLDENS=1` writes the answers anew; that run fails, so that nobody takes it for a pass.
@Suite struct GoldenTests {
    static let names = ((try? FileManager.default.contentsOfDirectory(atPath: Fixture.goldens)) ?? [])
        .filter { $0.hasSuffix(".yaml") }.map { String($0.dropLast(5)) }.sorted()

    @Test("there are documents with planted mistakes")
    func thereAreGoldens() { #expect(Self.names.count > 50) }

    @Test("a planted mistake is told with its place, what was found and what would be right", arguments: names)
    func golden(_ name: String) throws {
        let path = "\(Fixture.goldens)/\(name).yaml"
        let text = try String(contentsOfFile: path, encoding: .utf8)
        let reading = Fixture.examine(text, path: "\(name).yaml", base: Fixture.goldens)
        var answer = reading.problems.map { "\($0)\n" }.joined()
        if reading.pipeline != nil { answer += "reads as a pipeline\n" }

        #expect(!answer.contains(Fixture.canary), "what a placeholder stands for is never told")
        #expect(!answer.contains("hunter2canary"), "a secret in the document is never told")
        #expect((reading.pipeline == nil) == reading.problems.contains { $0.severity == .error })

        let expectedPath = "\(Fixture.goldens)/\(name).expected"
        if ProcessInfo.processInfo.environment["RECORD_GOLDENS"] == "1" {
            try answer.write(toFile: expectedPath, atomically: true, encoding: .utf8)
            Issue.record("recorded \(name).expected")
            return
        }
        #expect(answer == (try? String(contentsOfFile: expectedPath, encoding: .utf8)))
    }
}
