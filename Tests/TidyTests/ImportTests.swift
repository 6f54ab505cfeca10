import Testing

@Suite("the table of targets in ARCHITECTURE.md")
struct ImportTests {
    /// Target → what its row permits: the columns Imports and C together.
    static func permissions() throws -> [String: Set<String>] {
        var rows: [String: Set<String>] = [:]
        var isInTable = false
        for line in try Repository.lines("ARCHITECTURE.md") {
            if line.text.hasPrefix("| Target |") {
                isInTable = true
            } else if isInTable, !line.text.hasPrefix("|") {
                break
            } else if isInTable, !line.text.hasPrefix("|---") {
                let cells = line.text.split(separator: "|").map { $0.filter { $0 != "`" && $0 != " " } }
                guard cells.count == 4 else { continue }
                let allowed = (cells[2] + "," + cells[3]).split(separator: ",").map(String.init)
                rows[cells[0]] = Set(allowed).subtracting(["–", "-"])
            }
        }
        return rows
    }

    @Test("has a row for each Swift target, and no other")
    func rows() throws {
        #expect(try Self.permissions().keys.sorted() == Repository.targets())
    }

    @Test("permits every import")
    func everyImport() throws {
        let permissions = try Self.permissions()
        for target in try Repository.targets() {
            let allowed = try #require(permissions[target], "no row for \(target)").union(toolchainModules)
            for path in Repository.swiftFiles(under: "Sources/\(target)") {
                for (module, line) in try imports(of: path) {
                    #expect(allowed.contains(module), "\(path):\(line): \(target) may not import \(module)")
                }
            }
        }
    }

    @Test("names nothing that no file imports")
    func noneTooMany() throws {
        for (target, allowed) in try Self.permissions() {
            let used = try Repository.swiftFiles(under: "Sources/\(target)").flatMap { try imports(of: $0) }
            #expect(allowed.subtracting(used.map(\.module)).isEmpty, "\(target) is permitted more than it imports")
        }
    }

    @Test("keeps rows out of the control plane's sight")
    func privacyByImport() throws {
        let permissions = try Self.permissions()
        for target in ["Coordinator", "Cluster", "Metadata", "ModuleStore"] {
            let allowed = try #require(permissions[target])
            #expect(allowed.isDisjoint(with: ["Columnar", "Formats", "Transform", "Extract", "Worker"]))
        }
    }

    @Test("leaves the vocabulary free of everything, Foundation too")
    func modelImportsNothing() throws {
        for path in Repository.swiftFiles(under: "Sources/Model") {
            let found = try imports(of: path).map(\.module)
            #expect(found.isEmpty, "\(path) imports \(found)")
        }
    }

    @Test("is acyclic")
    func arrowsPointDown() throws {
        var rest = try Self.permissions()
        while let leaf = rest.first(where: { $0.value.isDisjoint(with: rest.keys) })?.key { rest[leaf] = nil }
        #expect(rest.isEmpty, "these import each other: \(rest.keys.sorted())")
    }
}
