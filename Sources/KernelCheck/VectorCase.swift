/// One published test case, in the words of the kernels.
package struct VectorCase: Sendable, Equatable {
    /// What the publisher says of it.
    package enum Verdict: String, Sendable {
        /// The answer is right.
        case valid
        /// Right by one reading and wrong by another: whatever comes out agrees.
        case acceptable
        /// The answer must not come out: a changed byte, or arguments that are to be refused.
        case invalid
    }

    package enum Question: Sendable, Equatable {
        /// `tag`: the leftmost bytes of the digest. `length`: how many of them the file promises.
        case hmac(key: [UInt8], message: [UInt8], tag: [UInt8], length: Int)
        case cmac(key: [UInt8], message: [UInt8], tag: [UInt8], length: Int)
        case siv(key: [UInt8], context: [UInt8], plain: [UInt8], sealed: [UInt8])
        /// Both directions are asked. `alphabet`: the byte of digit 0 first.
        case ff1(key: [UInt8], alphabet: [UInt8], tweak: [UInt8], plain: [UInt8], cipher: [UInt8])
        /// `cipher` is `plain` encrypted `times` times over, block by block.
        case blocks(key: [UInt8], plain: [UInt8], cipher: [UInt8], times: Int)
        /// HKDF-SHA-256 (RFC 5869), made of HMACs.
        case hkdf(key: [UInt8], salt: [UInt8], info: [UInt8], size: Int, output: [UInt8])
    }

    /// The case's number in its file.
    package let id: Int64
    package let verdict: Verdict
    /// One; a row each of a Monte Carlo case. The case agrees when all do.
    package let questions: [Question]
}

/// The cases of one file (or of one pair of files).
package struct VectorCases: Sendable, Equatable {
    package var cases: [VectorCase] = []
    /// Cases of the file that no kernel takes: alphabets that are not bytes, lengths that are not whole bytes.
    package var notRun = 0
}

/// A file of vectors that is not as its publisher writes it. Vectors are public, so the message may name a case.
package struct VectorError: Error, Sendable, Equatable {
    package let found: String

    init(_ found: String) { self.found = found }
}
