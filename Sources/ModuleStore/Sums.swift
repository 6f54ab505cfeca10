import Model

/// `SHA256SUMS` of a run: one line a file, `<64 hexadecimal digits>  <path>` and a line feed, as `sha256sum --check`
/// reads it; sorted by the path's bytes; every file of the run but itself. Paths hold no backslash and no line feed.
struct Sums: Equatable {
    struct Line: Equatable {
        let path: String
        let sha256: String
    }

    let lines: [Line]

    init(_ lines: [Line]) {
        self.lines = lines.sorted { $0.path.utf8.lexicographicallyPrecedes($1.path.utf8) }
    }

    /// nil for bytes that are no such file: an unsorted, doubled or malformed line, a path that leaves the run.
    init?(bytes: [UInt8]) {
        guard let text = String(validating: bytes, as: UTF8.self), text.isEmpty || text.hasSuffix("\n") else {
            return nil
        }
        var lines: [Line] = []
        for line in text.split(separator: "\n", omittingEmptySubsequences: false).dropLast() {
            guard line.utf8.count > 66, line.utf8.dropFirst(64).starts(with: "  ".utf8) else { return nil }
            let sha256 = String(line.prefix(64))
            let path = String(line.dropFirst(66))
            guard sha256.utf8.allSatisfy({ (0x30...0x39).contains($0) || (0x61...0x66).contains($0) }),
                Self.isInside(path), lines.last.map({ $0.path.utf8.lexicographicallyPrecedes(path.utf8) }) ?? true
            else { return nil }
            lines.append(Line(path: path, sha256: sha256))
        }
        self.lines = lines
    }

    var bytes: [UInt8] { Array(lines.map { "\($0.sha256)  \($0.path)\n" }.joined().utf8) }

    /// A relative path that stays below the folder it starts from.
    static func isInside(_ path: String) -> Bool {
        !path.utf8.contains { $0 == 0x5c || $0 < 0x20 }
            && path.split(separator: "/", omittingEmptySubsequences: false).allSatisfy {
                !$0.isEmpty && $0 != "." && $0 != ".."
            }
    }
}
