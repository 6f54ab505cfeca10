import Model

/// Parts by path and commit records by number. Nothing that is published is written twice.
struct ModelStore {
    struct Part: Equatable {
        /// The token of the attempt that wrote it.
        let token: Int64
        /// Which state of the source its rows are of; zero for files.
        let sourceState: Int
        let sha256: String
    }

    /// What a commit record says, of which its text is a digest.
    struct Commit: Equatable {
        let module: String
        let version: Int
        let attempt: String
        let receipts: [PartReceipt]
        let text: String

        init(module: String, version: Int, attempt: String, receipts: [PartReceipt], sealedAt: String) {
            self.module = module
            self.version = version
            self.attempt = attempt
            self.receipts = receipts
            text = "\(module) \(version) \(attempt) \(sealedAt) " + receipts.map(\.sha256).joined(separator: ",")
        }
    }

    enum Creation { case created, wasThere, taken }

    private(set) var parts: [String: Part] = [:]
    private(set) var versions: [String: [Commit]] = [:]
    /// Every record that anyone wrote down, by its text.
    var known: [String: Commit] = [:]

    /// - Returns: what another attempt had written there.
    mutating func write(_ part: Part, at path: String) -> Part? {
        if let earlier = parts[path], earlier.token != part.token { return earlier }
        parts[path] = part
        return nil
    }

    func head(of module: String) -> Int { versions[module]?.count ?? 0 }

    func version(of attempt: String, module: String) -> Commit? { versions[module]?.first { $0.attempt == attempt } }

    /// Create-only: the number is free, holds these bytes already, or is another's.
    mutating func create(_ commit: Commit) -> Creation {
        let head = head(of: commit.module)
        if commit.version <= head { return versions[commit.module]![commit.version - 1] == commit ? .wasThere : .taken }
        guard commit.version == head + 1 else { return .taken }
        versions[commit.module, default: []].append(commit)
        return .created
    }

    func holds(_ receipts: [PartReceipt]) -> Bool { receipts.allSatisfy { parts[$0.stagedPath]?.sha256 == $0.sha256 } }

    mutating func discard(_ attempt: String) {
        parts = parts.filter { !$0.key.hasPrefix(attempt + "/") }
    }
}
