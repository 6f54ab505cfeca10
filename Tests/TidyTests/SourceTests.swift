import Testing

@Suite("shipped code")
struct SourceTests {
    /// What a search for each finds is a trap (`fatalError(`) or unfinished.
    static let banned = [
        "try!", "fatalError(", "as!", "Task.detached", "TODO", "FIXME", "XXX", "unimplemented",
    ]

    @Test("has no traps and nothing unfinished")
    func bannedWords() throws {
        for path in Repository.swiftFiles(under: "Sources") {
            for line in try Repository.lines(path) {
                let code = line.text
                for word in Self.banned where code.contains(word) {
                    // `has!` and the like end in the same letters: the word stands alone.
                    let isWord = word != "as!" || code.contains(" as! ")
                    #expect(!isWord, "\(path):\(line.number): \(word)")
                }
            }
        }
    }

    @Test("says why it stands in for the compiler, beside each place")
    func uncheckedSendable() throws {
        for path in Repository.swiftFiles(under: "Sources") {
            let lines = try Repository.lines(path)
            for line in lines
            where line.text.contains("@unchecked Sendable") || line.text.contains("nonisolated(unsafe)") {
                let near = lines[max(0, line.number - 4)..<min(lines.count, line.number + 3)]
                #expect(near.contains { $0.text.contains("//") }, "\(path):\(line.number): no reason stands beside it")
            }
        }
    }

    @Test("has no file of more than 600 lines")
    func sizes() throws {
        for path in Repository.swiftFiles(under: "Sources") {
            #expect(try Repository.lines(path).count <= 600, "\(path): is it still one idea?")
        }
    }

    @Test("has no type of its module's name")
    func moduleNames() throws {
        for target in try Repository.targets() {
            for path in Repository.swiftFiles(under: "Sources/\(target)") {
                for line in try Repository.lines(path) {
                    let isType =
                        line.text.firstMatch(of: /\b(struct|class|enum|protocol|actor) (\w+)/).map { String($0.2) }
                        == target
                    #expect(!isType, "\(path):\(line.number): Swift could not tell \(target) from its module")
                }
            }
        }
    }
}
