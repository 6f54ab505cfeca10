/// The name that a node chooses for itself, once for as long as its process lives.
package enum NodeName {
    /// `worker-` or `keeper-` and 16 hexadecimal digits.
    package static func choose(_ role: Join.Role, using random: inout some RandomNumberGenerator) -> String {
        let digits = String(UInt64.random(in: .min ... .max, using: &random), radix: 16)
        return "\(role.rawValue)-" + String(repeating: "0", count: 16 - digits.count) + digits
    }
}
