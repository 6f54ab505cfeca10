import Foundation
import Testing

@Suite("documents about the code")
struct DocumentTests {
    static let documents = [
        "README.md", "ARCHITECTURE.md", "CONTRIBUTING.md", "SECURITY.md", "CHANGELOG.md", "docs/cluster.md",
        "docs/pipeline.md", "docs/verbs.md", "docs/open-formats.md",
        "docs/versions.md",
        "ops/README.md", "cluster/README.md", "cluster/local/README.md", "cluster/scenarios/README.md",
    ]

    @Test("exist", arguments: documents)
    func exists(document: String) {
        #expect(Repository.exists(document))
    }

    @Test("ARCHITECTURE.md names only paths that exist")
    func paths() throws {
        let folders = ["Sources/", "Tests/", "docs/", "ops/", "cluster/", "benchmarks/", ".ci/"]
        var count = 0
        for line in try Repository.lines("ARCHITECTURE.md") {
            // Text between backticks: every second piece.
            for (index, piece) in line.text.split(separator: "`", omittingEmptySubsequences: false).enumerated()
            where index % 2 == 1 && folders.contains(where: { piece.hasPrefix($0) }) && !piece.contains(" ") {
                count += 1
                #expect(Repository.exists(String(piece)), "ARCHITECTURE.md:\(line.number): no \(piece)")
            }
        }
        #expect(count >= 10, "the life of a run names the file of each step")
    }

    @Test("link to files that exist", arguments: documents)
    func links(document: String) throws {
        let folder = (document as NSString).deletingLastPathComponent
        for line in try Repository.lines(document) {
            for match in line.text.matches(of: /\]\(([^)#:]+)\)/) {
                let path = NSString(string: (folder as NSString).appendingPathComponent(String(match.1)))
                    .standardizingPath
                #expect(Repository.exists(path), "\(document):\(line.number): no \(match.1)")
            }
        }
    }

    @Test("lines of prose stay below 120 characters; tables and what stands between fences may be longer")
    func lines() throws {
        let folders = ["docs", "ops", "cluster", "benchmarks", "Tests"]
        let pages =
            Self.documents + folders.flatMap { Repository.files(under: $0) }.filter { $0.hasSuffix(".md") }
        #expect(pages.count > 40)
        for page in pages {
            var isFenced = false
            for line in try Repository.lines(page) {
                let text = line.text.drop { $0 == " " }
                if text.hasPrefix("```") { isFenced.toggle() }
                guard !isFenced, !text.hasPrefix("|") else { continue }
                #expect(line.text.count < 120, "\(page):\(line.number) has \(line.text.count) characters")
            }
        }
    }

    @Test("ARCHITECTURE.md stays within four pages")
    func length() throws {
        #expect(try Repository.lines("ARCHITECTURE.md").count <= 240)
    }
    @Test("the checks that are taken out to see who notices are there, each once")
    func mutations() throws {
        struct Mutation: Decodable {
            struct Edit: Decodable { let file: String, text: String }
            let name: String
            let edits: [Edit]
        }
        let text = try Repository.text("cluster/scenarios/simulated/mutations.json")
        let mutations = try JSONDecoder().decode([Mutation].self, from: Data(text.utf8))
        #expect(mutations.count >= 50)
        for mutation in mutations {
            for edit in mutation.edits {
                let count = try Repository.text(edit.file).components(separatedBy: edit.text).count - 1
                #expect(count == 1, "\(mutation.name): \(edit.file) has its text \(count) times")
            }
        }
    }
}
