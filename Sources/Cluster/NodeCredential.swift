internal import Model

/// Proves that a name was admitted to the cluster in its role, to every coordinator that has the same tokens: none has to
/// remember. A worker's is made with the workers' token and a keeper's with the keepers', so that whoever holds the one
/// cannot make the other.
///
/// Printing it shows nothing of the keys.
package struct NodeCredential: Sendable, CustomStringConvertible {
    private let keys: [Join.Role: [UInt8]]

    /// - Parameters: the bytes of the tokens that admit to each role.
    package init(worker: [UInt8], keeper: [UInt8]) {
        keys = [.worker: Self.key(worker, .worker), .keeper: Self.key(keeper, .keeper)]
    }

    /// Of a run's own processes, which share its join secret.
    package init(secret: [UInt8]) { self.init(worker: secret, keeper: secret) }

    private static func key(_ secret: [UInt8], _ role: Join.Role) -> [UInt8] {
        Array(HMAC.hexadecimal(key: secret, Array("etl-express \(role.rawValue) credential".utf8)).utf8)
    }

    /// 64 hexadecimal digits; empty for a name that begins with no role.
    package func text(for node: String) -> String {
        guard let role = Join.Role.of(node), let key = keys[role] else { return "" }
        return HMAC.hexadecimal(key: key, Array(node.utf8))
    }

    package func isOf(_ node: String, _ credential: String) -> Bool {
        let text = text(for: node)
        return !text.isEmpty && ConstantTime.areEqual(text, credential)
    }

    package var description: String { "node credential" }
}

extension Join.Role {
    /// A node's name begins with its role; nil for every other name.
    package static func of(_ name: String) -> Join.Role? {
        allCases.first { name.hasPrefix("\($0.rawValue)-") }
    }
}
