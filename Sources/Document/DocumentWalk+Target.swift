import Model

/// Where the module is published.
extension DocumentWalk {
    mutating func readTarget(_ values: SectionValues) -> TargetSpec? {
        guard let node = values["target"] else { return nil }
        guard let targetValues = section(.target, at: node, what: "target") else { return nil }
        let codec = word("compression", targetValues, among: TargetSpec.Codec.words).flatMap {
            TargetSpec.Codec(rawValue: $0)
        }
        guard let directory = path("directory", targetValues) else { return nil }
        return TargetSpec(
            directory: Paths.absolute(directory, in: baseDirectory), position: node.position, codec: codec ?? .lz4)
    }
}
