/// What documents may have a process do that serves everybody who may submit: a coordinator, a keeper, a worker of a
/// cluster. What is not given is refused, by the name of the option that gives it.
package struct DocumentBounds: Sendable {
    /// Relative paths start here. Sources' files, `map` files, keys and certificates lie below it, symbolic links followed.
    package var baseDirectory: String?
    /// `${file:…}` names files below it; relative ones start here.
    package var placeholderDirectory: String?
    /// `${env:…}` names variables that begin so.
    package var placeholderPrefix: String?
    /// Modules are published in these folders or below them.
    package var targetDirectories: [String]
    package var targetEndpoints: [Endpoint]
    package var sourceEndpoints: [Endpoint]

    package init(
        baseDirectory: String? = nil, placeholderDirectory: String? = nil, placeholderPrefix: String? = nil,
        targetDirectories: [String] = [], targetEndpoints: [Endpoint] = [], sourceEndpoints: [Endpoint] = []
    ) {
        self.baseDirectory = baseDirectory
        self.placeholderDirectory = placeholderDirectory
        self.placeholderPrefix = placeholderPrefix
        self.targetDirectories = targetDirectories
        self.targetEndpoints = targetEndpoints
        self.sourceEndpoints = sourceEndpoints
    }

    /// A server: `https://s3.example`, `postgresql://db.example:5432`. Without a port any port of that host; `*` is any.
    package struct Endpoint: Sendable, Equatable, CustomStringConvertible {
        package let scheme: String
        package let host: String
        package let port: Int?

        package init(scheme: String, host: String, port: Int?) {
            self.scheme = scheme
            self.host = host.lowercased()
            self.port = port
        }

        /// nil for a text of another form: with a user, a path, a query.
        package init?(_ text: String) {
            if text == "*" {
                self.init(scheme: "*", host: "*", port: nil)
                return
            }
            guard let mark = text.firstRange(of: "://") else { return nil }
            var rest = text[mark.upperBound...]
            if rest.last == "/" { rest.removeLast() }
            var port: Int?
            // An address of IPv6 stands in brackets.
            let behindHost = rest.lastIndex(of: "]").map { rest.index(after: $0) } ?? rest.startIndex
            if let colon = rest[behindHost...].lastIndex(of: ":") {
                guard let number = Int(rest[rest.index(after: colon)...]), (1...65_535).contains(number) else {
                    return nil
                }
                port = number
                rest = rest[..<colon]
            }
            let scheme = String(text[..<mark.lowerBound]).lowercased()
            guard ["http", "https", "postgresql"].contains(scheme), !rest.isEmpty,
                rest.utf8.allSatisfy({ (0x2d...0x7a).contains($0) && !"/\\<>=?@;^`".utf8.contains($0) })
            else { return nil }
            self.init(scheme: scheme, host: String(rest), port: port)
        }

        package var description: String { scheme == "*" ? "*" : "\(scheme)://\(host)" + (port.map { ":\($0)" } ?? "") }

        /// Whether a server that a document names is this one.
        package func allows(_ server: Endpoint) -> Bool {
            scheme == "*"
                || (scheme == server.scheme && host == server.host && (port == nil || port == server.knownPort))
        }

        private var knownPort: Int? {
            port ?? ["http": 80, "https": 443, "postgresql": 5432][scheme]
        }
    }
}
