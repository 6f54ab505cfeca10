import Model

/// Where the module is published.
extension DocumentWalk {
    mutating func readTarget(_ values: SectionValues) -> TargetSpec? {
        guard let node = values["target"] else { return nil }
        // {s3: …} alone is a target of another kind, not a directory that is missing.
        if let entries = node.map,
            let other = entries.first(where: { entry in
                DocumentSection.target.refused.contains { $0.names.contains(entry.key) }
            }), node["directory"] == nil,
            let refused = DocumentSection.target.refused.first(where: { $0.names.contains(other.key) })
        {
            problems.error(other.keyPosition, found: "\"\(other.key)\": \(refused.reason)", remedy: refused.remedy)
            return nil
        }
        guard let targetValues = section(.target, at: node, what: "target") else { return nil }
        let codec = word("compression", targetValues, among: TargetSpec.Codec.words).flatMap {
            TargetSpec.Codec(rawValue: $0)
        }
        guard let directory = path("directory", targetValues) else { return nil }
        return TargetSpec(
            directory: Paths.absolute(directory, in: baseDirectory), position: node.position, codec: codec ?? .lz4)
    }
}
