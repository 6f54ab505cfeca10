/// SHA-256 of texts of moderate size: plans, statements, records, the ledger's chain. Parts are hashed by libcrypto.
///
/// - Cost: about 64 steps per 64 bytes, no library.
/// - Source: FIPS 180-4, section 6.2.
package enum SHA256 {
    /// 64 lower-case hexadecimal digits.
    package static func hexadecimal(_ bytes: [UInt8]) -> String {
        hexadecimal(unsafe bytes.withUnsafeBytes { (bytes) -> State in unsafe state(after: bytes) })
    }

    package static func hexadecimal(_ text: String) -> String {
        var text = text
        return hexadecimal(text.withUTF8 { (bytes) -> State in unsafe state(after: UnsafeRawBufferPointer(bytes)) })
    }

    /// 32 bytes.
    static func digest(_ bytes: [UInt8]) -> [UInt8] {
        let state = unsafe bytes.withUnsafeBytes { (bytes) -> State in unsafe Self.state(after: bytes) }
        return state.indices.flatMap { index in
            [24, 16, 8, 0].map { UInt8(truncatingIfNeeded: state[index] >> UInt32($0)) }
        }
    }

    private typealias State = InlineArray<8, UInt32>

    private static func hexadecimal(_ state: State) -> String {
        let digits = Array("0123456789abcdef".utf8)
        var text: [UInt8] = []
        text.reserveCapacity(64)
        for index in state.indices {
            for shift in stride(from: 28, through: 0, by: -4) {
                text.append(digits[Int(state[index] >> UInt32(shift) & 15)])
            }
        }
        return String(decoding: text, as: UTF8.self)
    }

    private static func state(after bytes: UnsafeRawBufferPointer) -> State {
        var state: State = [
            0x6a09_e667, 0xbb67_ae85, 0x3c6e_f372, 0xa54f_f53a, 0x510e_527f, 0x9b05_688c, 0x1f83_d9ab, 0x5be0_cd19,
        ]
        let whole = bytes.count & ~63
        unsafe constants.withUnsafeBufferPointer { constants in
            for start in stride(from: 0, to: whole, by: 64) {
                unsafe compress(&state, UnsafeRawBufferPointer(rebasing: bytes[start..<start + 64]), constants)
            }
            // What is left, a one, zeros, and the number of bits: one block or two.
            var tail = unsafe [UInt8](bytes[whole...]) + [0x80]
            tail += [UInt8](repeating: 0, count: (120 - tail.count) % 64)
            let bitCount = UInt64(bytes.count) * 8
            for shift in stride(from: 56, through: 0, by: -8) {
                tail.append(UInt8(truncatingIfNeeded: bitCount >> UInt64(shift)))
            }
            unsafe tail.withUnsafeBytes { tail in
                for start in stride(from: 0, to: tail.count, by: 64) {
                    unsafe compress(&state, UnsafeRawBufferPointer(rebasing: tail[start..<start + 64]), constants)
                }
            }
        }
        return state
    }

    @inline(__always)
    private static func rotated(_ word: UInt32, _ count: UInt32) -> UInt32 { word &>> count | word &<< (32 &- count) }

    /// - Parameter block: 64 bytes.
    private static func compress(
        _ state: inout State, _ block: UnsafeRawBufferPointer, _ constants: UnsafeBufferPointer<UInt32>
    ) {
        // The sixteen words before the one in turn.
        var words = InlineArray<16, UInt32>(repeating: 0)
        var (a, b, c, d) = (state[0], state[1], state[2], state[3])
        var (e, f, g, h) = (state[4], state[5], state[6], state[7])
        for index in 0..<64 {
            let word: UInt32
            if index < 16 {
                word = unsafe block.loadUnaligned(fromByteOffset: 4 &* index, as: UInt32.self).bigEndian
            } else {
                let early = words[(index &+ 1) & 15]
                let late = words[(index &+ 14) & 15]
                let first = rotated(early, 7) ^ rotated(early, 18) ^ early &>> 3
                let second = rotated(late, 17) ^ rotated(late, 19) ^ late &>> 10
                word = words[index & 15] &+ first &+ words[(index &+ 9) & 15] &+ second
            }
            words[index & 15] = word
            let mixed = rotated(e, 6) ^ rotated(e, 11) ^ rotated(e, 25)
            let chosen = (e & f) ^ (~e & g)
            let first = unsafe h &+ mixed &+ chosen &+ constants[index] &+ word
            let majority = (a & b) ^ (a & c) ^ (b & c)
            let second = (rotated(a, 2) ^ rotated(a, 13) ^ rotated(a, 22)) &+ majority
            (h, g, f, e, d, c, b, a) = (g, f, e, d &+ first, c, b, a, first &+ second)
        }
        state = [
            state[0] &+ a, state[1] &+ b, state[2] &+ c, state[3] &+ d, state[4] &+ e, state[5] &+ f, state[6] &+ g,
            state[7] &+ h,
        ]
    }

    private static let constants: [UInt32] = [
        0x428a_2f98, 0x7137_4491, 0xb5c0_fbcf, 0xe9b5_dba5, 0x3956_c25b, 0x59f1_11f1, 0x923f_82a4, 0xab1c_5ed5,
        0xd807_aa98, 0x1283_5b01, 0x2431_85be, 0x550c_7dc3, 0x72be_5d74, 0x80de_b1fe, 0x9bdc_06a7, 0xc19b_f174,
        0xe49b_69c1, 0xefbe_4786, 0x0fc1_9dc6, 0x240c_a1cc, 0x2de9_2c6f, 0x4a74_84aa, 0x5cb0_a9dc, 0x76f9_88da,
        0x983e_5152, 0xa831_c66d, 0xb003_27c8, 0xbf59_7fc7, 0xc6e0_0bf3, 0xd5a7_9147, 0x06ca_6351, 0x1429_2967,
        0x27b7_0a85, 0x2e1b_2138, 0x4d2c_6dfc, 0x5338_0d13, 0x650a_7354, 0x766a_0abb, 0x81c2_c92e, 0x9272_2c85,
        0xa2bf_e8a1, 0xa81a_664b, 0xc24b_8b70, 0xc76c_51a3, 0xd192_e819, 0xd699_0624, 0xf40e_3585, 0x106a_a070,
        0x19a4_c116, 0x1e37_6c08, 0x2748_774c, 0x34b0_bcb5, 0x391c_0cb3, 0x4ed8_aa4a, 0x5b9c_ca4f, 0x682e_6ff3,
        0x748f_82ee, 0x78a5_636f, 0x84c8_7814, 0x8cc7_0208, 0x90be_fffa, 0xa450_6ceb, 0xbef9_a3f7, 0xc671_78f2,
    ]
}
