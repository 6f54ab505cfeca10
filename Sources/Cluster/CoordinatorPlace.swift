/// Where the coordinators of a cluster are, and how a node proves and checks who is who.
package struct CoordinatorPlace: Sendable, Equatable {
    /// `tcp://` or `tls+tcp://`; one for each coordinator, the one that leads and those that stand by.
    package var addresses: [String]
    package var tls: TLSFiles?

    package init(addresses: [String], tls: TLSFiles? = nil) {
        self.addresses = addresses
        self.tls = tls
    }
}

/// Files of PEM text for mutual authentication. Read again for each new socket, so that they can be replaced.
package struct TLSFiles: Sendable, Equatable {
    /// Certificates of the authority that both sides must be signed by.
    package var authority: String
    package var certificate: String
    package var privateKey: String
    /// The name that a coordinator's certificate must have; nil: the host of its address. Of no use to a listener.
    package var serverName: String?

    package init(authority: String, certificate: String, privateKey: String, serverName: String? = nil) {
        self.authority = authority
        self.certificate = certificate
        self.privateKey = privateKey
        self.serverName = serverName
    }
}
