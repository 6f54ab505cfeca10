internal import CSystem
import Model

/// Where a document reaches to, held against what the process may do for whoever submits: files, servers, folders.
extension DocumentWalk {
    mutating func hold(_ pipeline: Pipeline, within bounds: DocumentBounds, environment: [String: String]) {
        for source in pipeline.sources {
            let what = "the source \"\(source.name)\""
            switch source.kind {
            case .postgres(let url): hold(url, "url", of: what, at: source.position, among: bounds.sourceEndpoints)
            case .csv(let spec):
                if S3Path(spec.path) != nil {
                    hold(
                        spec.connection, of: what, at: source.position, among: bounds.sourceEndpoints, bounds,
                        environment)
                } else {
                    // Symbolic links are followed when a file is opened: the path may be a pattern.
                    hold(file: spec.path, isPattern: true, of: what, at: source.position, bounds)
                }
            }
        }
        for key in pipeline.keys { hold(file: key.path, of: "the key \"\(key.name)\"", at: key.position, bounds) }
        hold(pipeline.target, within: bounds, environment: environment)
    }

    mutating func hold(_ target: TargetSpec, within bounds: DocumentBounds, environment: [String: String]) {
        switch target.place {
        case .directory(let folder):
            guard !bounds.targetDirectories.contains(where: { system_is_beneath(folder, $0) == 1 }) else { return }
            refuse(
                target.position, "the target's folder is none that this process publishes in", "--target-directory",
                isGiven: !bounds.targetDirectories.isEmpty)
        case .s3(let spec):
            hold(
                spec.connection, of: "the target", at: target.position, among: bounds.targetEndpoints, bounds,
                environment)
            if let claims = spec.claims {
                hold(claims, "claims", of: "the target", at: target.position, among: bounds.targetEndpoints)
            }
        case .postgres(let spec):
            hold(spec.url, "url", of: "the target", at: target.position, among: bounds.targetEndpoints)
        }
    }

    private mutating func hold(
        file path: String, isPattern: Bool = false, of what: String, at position: Position, _ bounds: DocumentBounds
    ) {
        let places = [bounds.baseDirectory, isPattern ? nil : bounds.placeholderDirectory].compactMap { $0 }
        let whole = Paths.absolute(path, in: baseDirectory)
        let isInside = places.contains { place in
            let folder = place.hasSuffix("/") ? place : place + "/"
            return isPattern
                ? whole.hasPrefix(folder) && !whole.split(separator: "/").contains("..")
                : system_is_beneath(whole, place) == 1
        }
        guard !isInside else { return }
        refuse(position, "\(what) is a file outside the folder for them", "--base-directory", isGiven: !places.isEmpty)
    }

    private mutating func hold(
        _ url: Secret, _ name: String, of what: String, at position: Position, among servers: [DocumentBounds.Endpoint]
    ) {
        // A placeholder and nothing else is a file or variable that this process's operator made: their word.
        guard !url.isPlaceholder else { return }
        let named = ConnectionText.servers(of: url.reveal())
        if let named, named.allSatisfy({ server in servers.contains { $0.allows(server) } }) { return }
        refuse(
            position, "\(name) of \(what) names a server that is not on the list, or has a parameter that is refused",
            what == "the target" ? "--target-endpoint" : "--source-endpoint", isGiven: !servers.isEmpty)
    }

    private mutating func hold(
        _ connection: S3ConnectionSpec, of what: String, at position: Position,
        among servers: [DocumentBounds.Endpoint], _ bounds: DocumentBounds, _ environment: [String: String]
    ) {
        if let file = connection.certificateFile {
            hold(file: file, of: "certificates of \(what)", at: position, bounds)
        }
        let usual = environment["AWS_ENDPOINT_URL_S3"] ?? environment["AWS_ENDPOINT_URL"] ?? Self.publicStore
        let endpoints = connection.endpoints.isEmpty ? [usual] : connection.endpoints
        // A region becomes a part of the host's name.
        let isRegion = (connection.region ?? "").utf8.allSatisfy {
            (0x61...0x7a).contains($0 | 0x20) || (0x30...0x39).contains($0) || $0 == 0x2d
        }
        let areAllowed = endpoints.allSatisfy { text in
            DocumentBounds.Endpoint(text).map { server in servers.contains { $0.allows(server) } } ?? false
        }
        guard !isRegion || !areAllowed else { return }
        refuse(
            position, "\(what) is in a store that is not on the list",
            what == "the target" ? "--target-endpoint" : "--source-endpoint", isGiven: !servers.isEmpty)
    }

    /// How AWS's own store stands on a list.
    private static let publicStore = "https://s3.amazonaws.com"

    private mutating func refuse(_ position: Position, _ found: String, _ option: String, isGiven: Bool) {
        problems.error(
            position, found: found,
            expected: isGiven
                ? "one of those that \(option) gives" : "nothing: the process was started without \(option)",
            remedy: "whoever runs this coordinator or worker allows it with \(option)")
    }
}
