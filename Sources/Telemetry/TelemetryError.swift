/// Why a port for probes could not be opened.
package struct TelemetryError: Error, Sendable, Equatable, CustomStringConvertible {
    package enum Code: Sendable {
        /// Not `HOST:PORT` with a numeric host, or not an address of this machine.
        case badAddress
        /// Another process listens there, or this one may not.
        case notFree
        case noDescriptors
    }

    package let code: Code
    package let systemCode: CInt?

    init(_ code: Code, systemCode: CInt? = nil) {
        self.code = code
        self.systemCode = systemCode
    }

    package var description: String {
        let reason =
            switch code {
            case .badAddress:
                "the port for probes needs a numeric address of this machine, such as 127.0.0.1:9090 or [::]:9090"
            case .notFree: "the address for probes is taken, or may not be listened on"
            case .noDescriptors: "no socket could be opened for probes"
            }
        return systemCode.map { "\(reason) (errno \($0))" } ?? reason
    }
}
