extension StaticString {
    /// Lower-case letters, digits and underscores behind a letter: what a name of a metric, a label or a pair may be.
    var isWord: Bool {
        let bytes = "\(self)".utf8
        return (bytes.first.map { (0x61...0x7a).contains($0) } ?? false)
            && bytes.allSatisfy { (0x61...0x7a).contains($0) || (0x30...0x39).contains($0) || $0 == 0x5f }
    }
}
