/// Names and addresses by which a machine speaks to itself alone.
package enum LoopbackHost {
    /// 127.0.0.0/8, `::1` (in brackets too) and the name `localhost`: nobody else's machine is reached by it.
    package static func contains(_ host: String) -> Bool {
        if ["localhost", "::1", "[::1]"].contains(host.lowercased()) { return true }
        let octets = host.split(separator: ".", omittingEmptySubsequences: false)
        return octets.count == 4 && octets[0] == "127" && octets.allSatisfy { UInt8($0) != nil }
    }
}
