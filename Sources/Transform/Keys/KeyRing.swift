package import Model

/// The keys of a pipeline by name.
package struct KeyRing: Sendable {
    private let keys: [String: MaskingKey]

    package init(_ keys: [MaskingKey]) {
        self.keys = Dictionary(keys.map { ($0.name, $0) }, uniquingKeysWith: { first, _ in first })
    }

    package subscript(_ name: String) -> MaskingKey? { keys[name] }

    package var names: [String] { keys.keys.sorted() }

    /// Names and check values, by name: what others may know of the keys.
    package var identities: [KeyIdentity] { names.compactMap { keys[$0]?.identity } }

    /// Reads the key files of a pipeline; paths that are not absolute start at `baseDirectory`.
    /// - Returns: nil when one of them cannot be used; every such key is a problem at its place in the document.
    package static func read(_ specs: [KeySpec], baseDirectory: String, into problems: inout ProblemList) -> KeyRing? {
        var keys: [MaskingKey] = []
        for spec in specs {
            let path = spec.path.hasPrefix("/") ? spec.path : "\(baseDirectory)/\(spec.path)"
            do throws(KeyError) {
                keys.append(try KeyFile.read(path, name: spec.name))
            } catch {
                let shown = KeyError(error.code, path: spec.written ?? error.path, systemCode: error.systemCode)
                problems.error(
                    spec.position, found: "key \"\(spec.name)\": \(shown.found)",
                    expected: spec.written == nil
                        ? "32 bytes, raw or in base64, readable by their owner alone"
                        : "a placeholder that stands for the path of a key file, not for the key",
                    remedy: spec.written == nil ? shown.remedy : nil)
            }
        }
        return keys.count == specs.count ? KeyRing(keys) : nil
    }
}
