internal import Model

/// Proves that a name was admitted to the cluster, to every coordinator that has the same join tokens: none has to remember.
///
/// Printing it shows nothing of the key.
package struct NodeCredential: Sendable, CustomStringConvertible {
    private let key: [UInt8]

    /// - Parameter secret: the bytes of the cluster's join tokens, or of a run's own join secret.
    package init(secret: [UInt8]) {
        key = Array(HMAC.hexadecimal(key: secret, Array("etl-express node credential".utf8)).utf8)
    }

    /// 64 hexadecimal digits.
    package func text(for node: String) -> String { HMAC.hexadecimal(key: key, Array(node.utf8)) }

    package func isOf(_ node: String, _ credential: String) -> Bool {
        ConstantTime.areEqual(text(for: node), credential)
    }

    package var description: String { "node credential" }
}
