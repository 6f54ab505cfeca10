package import Model

extension Limits {
    /// A request's line and headers.
    package static let bytesPerRequestHead = 8 << 10
    package static let probeConnections = 16
    /// From a client's arrival to its end, with everything between.
    package static let probeTime = Duration.seconds(2)
    /// A longer text in a log line is cut.
    package static let scalarsPerLogValue = 256
}
