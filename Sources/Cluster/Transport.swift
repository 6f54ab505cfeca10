internal import CNNG

/// What a person should know about the library underneath.
package enum Transport {
    /// As the library tells it, for example `1.10.1`.
    package static var libraryVersion: String { unsafe String(cString: nng_version()) }

    /// For the log at start: nil when the library is fit for processes that run for long.
    package static var libraryWarning: String? { warning(version: libraryVersion) }

    static func warning(version: String) -> String? {
        let numbers = version.split(separator: ".").map { Int($0) ?? 0 }
        guard let major = numbers.first, (major, numbers.dropFirst().first ?? 0) < (1, 10) else { return nil }
        return """
            libnng \(version) can stop for good when peers die under load; the watchdog replaces sockets and ends the \
            process if that is of no help. Run with libnng 1.10 or later.
            """
    }
}
