internal import Model

/// The name that a node chooses for itself, once for as long as its process lives.
package enum NodeName {
    /// Whether a coordinator takes it for a name at all: it stands in the ledger, in logs and in the staged parts' receipts.
    package static func isOne(_ name: String) -> Bool {
        (1...Limits.bytesPerNodeName).contains(name.utf8.count)
            && name.utf8.allSatisfy { byte in
                (0x30...0x39).contains(byte) || (0x61...0x7a).contains(byte | 0x20)
                    || [0x2d, 0x2e, 0x5f].contains(byte)
            }
    }

    /// `worker-` or `keeper-` and 16 hexadecimal digits.
    package static func choose(_ role: Join.Role, using random: inout some RandomNumberGenerator) -> String {
        let digits = String(UInt64.random(in: .min ... .max, using: &random), radix: 16)
        return "\(role.rawValue)-" + String(repeating: "0", count: 16 - digits.count) + digits
    }
}
