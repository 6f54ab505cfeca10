/// What may be spoken where. Both sides keep the same rules, before anything is opened.
///
/// - Plain `tcp://` stays on loopback: credentials would cross the network readable. `insecure` lifts that, for a network
///   that encrypts by itself.
/// - `tls+tcp://` needs authority, certificate and private key on both sides: nobody is anonymous.
package enum NetworkRules {
    /// Throws `badAddress` or `notAllowed`, with what to do.
    package static func check(_ address: String, tls: TLSFiles?, insecure: Bool) throws(ClusterError) {
        let parsed = try NetworkAddress(address)
        if parsed.isTLS {
            guard let tls else {
                throw ClusterError(
                    .notAllowed,
                    reason: "\(address) needs the files of the authority, of a certificate and of its private key")
            }
            try check(tls)
        } else if !parsed.isLoopback, !insecure {
            throw ClusterError(
                .notAllowed,
                reason: """
                    \(address) would send credentials in the clear: use tls+tcp:// with certificates, or say that the \
                    network is protected otherwise
                    """)
        }
    }

    private static func check(_ files: TLSFiles) throws(ClusterError) {
        for (path, isSecret) in [(files.authority, false), (files.certificate, false), (files.privateKey, true)] {
            guard !path.isEmpty else {
                throw ClusterError(.notAllowed, reason: "TLS needs an authority, a certificate and a private key")
            }
            do throws(GuardedFile.Problem) { _ = try GuardedFile(path, isSecret: isSecret) } catch {
                throw ClusterError(.notAllowed, reason: error.words(path))
            }
        }
    }
}
