import Foundation
import Model
import Testing

@testable import Document

/// `docs/pipeline.md` and the reader's own table of keys say the same.
@Suite struct ReferenceTests {
    static let reference: [String] = {
        let path = URL(fileURLWithPath: #filePath).deletingLastPathComponent()
            .appendingPathComponent("../../docs/pipeline.md").standardizedFileURL.path
        return ((try? String(contentsOfFile: path, encoding: .utf8)) ?? "").components(separatedBy: "\n")
    }()

    /// The row of a key, as the reference has it.
    static func row(_ key: DocumentKey) -> String {
        func cell(_ text: String) -> String { text.replacingOccurrences(of: "|", with: "\\|") }
        let standard = key.isRequired ? "**required**" : key.standard
        return
            "| `\(key.name)` | \(cell(key.form)) | \(cell(standard)) | `\(cell(key.example))` | \(cell(key.meaning)) |"
    }

    @Test("each section's table has exactly the keys that the reader knows", arguments: DocumentSection.allCases)
    func tables(_ section: DocumentSection) throws {
        let start = try #require(
            Self.reference.firstIndex(of: "### \(section.rawValue)"), "no heading \"### \(section.rawValue)\"")
        let body = Self.reference[(start + 1)...].prefix { !$0.hasPrefix("#") }
        let rows = body.filter { $0.hasPrefix("| `") }
        #expect(rows == section.keys.map(Self.row))
    }

    @Test("what is refused by name is listed there")
    func refused() {
        for section in DocumentSection.allCases {
            for word in section.refused.flatMap(\.names) {
                #expect(Self.reference.contains { $0.contains("`\(word)`") }, "\(word)")
            }
        }
        for kind in DocumentWalk.laterSourceKinds {
            #expect(Self.reference.contains { $0.contains("`\(kind)`") }, "\(kind)")
        }
    }

    @Test("every whole document in it reads without an error")
    func examples() {
        var count = 0
        var block: [String]?
        for (index, line) in Self.reference.enumerated() {
            if line == "```yaml" {
                block = []
            } else if line == "```", let lines = block {
                block = nil
                guard lines.contains(where: { $0.hasPrefix("format:") }) else { continue }
                count += 1
                let problems = Fixture.examine(lines.joined(separator: "\n")).problems
                #expect(problems.map(\.description) == [], "the example that ends in line \(index + 1)")
            } else {
                block?.append(line)
            }
        }
        #expect(count >= 2)
    }

    @Test("the messages that it shows are the reader's own")
    func messages() throws {
        let goldens = try GoldenTests.names.map {
            try String(contentsOfFile: "\(Fixture.goldens)/\($0).expected", encoding: .utf8)
        }.joined()
        let shown = Self.reference.filter { $0.contains(": error: ") || $0.contains(": warning: ") }
        #expect(!shown.isEmpty)
        for line in shown {
            let isOurs = goldens.contains(line.trimmingCharacters(in: .whitespaces) + "\n")
            #expect(isOurs, "\(line)")
        }
    }
}
