internal import CKernels
internal import Secrets
internal import Synchronization

/// Permutations of domains that are too small for FF1: a table for each number of digits.
///
/// The number *i* of a domain becomes its place in the order of the numbers
/// AES-256-CMAC(*r* || *n* || *i* || tweak), first 8 bytes, equal ones in the order of *i*; radix *r*, digits *n* and *i*
/// are 32 bits each, most significant byte first.
///
/// - Cost: a CMAC for each value of the domain at the first use of its size, at most a million; then one look-up.
/// - Source: the prefix cipher of J. Black and P. Rogaway, Ciphers with Arbitrary Finite Domains, 2002.
final class SmallDomains: Sendable {
    private let key: BlockMAC
    private let radix: Int
    private let tweak: [UInt8]
    private let tables = Mutex<[Int: Permutation]>([:])

    init(key: BlockMAC, radix: Int, tweak: [UInt8]) {
        self.key = key
        self.radix = radix
        self.tweak = tweak
    }

    /// The permutation of the numbers of `digitCount` digits; radix ^ digitCount is below 1,000,000.
    func permutation(digitCount: Int) -> Permutation {
        if let table = tables.withLock({ $0[digitCount] }) { return table }
        // Two threads may make the same table; nobody waits for the other while it is made.
        let made = make(digitCount: digitCount)
        return tables.withLock { tables in
            let table = tables[digitCount] ?? made
            tables[digitCount] = table
            return table
        }
    }

    private func make(digitCount: Int) -> Permutation {
        let size = (0..<digitCount).reduce(1) { size, _ in size * radix }
        precondition(size < Int(KERNEL_FF1_LEAST_DOMAIN), "larger domains are FF1's")
        let numbers = unsafe WipedBytes(byteCount: 8 * size) { target in
            unsafe fill(target.bindMemory(to: UInt64.self), digitCount: digitCount)
        }
        return Permutation(orderOf: numbers, count: size)
    }

    /// The leading bytes of each number's CMAC, some thousand at a time.
    private func fill(_ numbers: UnsafeMutableBufferPointer<UInt64>, digitCount: Int) {
        let width = 12 + tweak.count
        let batch = 4096
        var messages = [UInt8](repeating: 0, count: batch * width)
        for start in stride(from: 0, to: numbers.count, by: batch) {
            let count = min(batch, numbers.count - start)
            for index in 0..<count {
                var place = index * width
                for word in [UInt32(radix), UInt32(digitCount), UInt32(start + index)] {
                    for shift in [UInt32(24), 16, 8, 0] {
                        messages[place] = UInt8(truncatingIfNeeded: word >> shift)
                        place += 1
                    }
                }
                for byte in tweak {
                    messages[place] = byte
                    place += 1
                }
            }
            let digests = unsafe WipedBytes(byteCount: count * key.digestByteCount) { target in
                unsafe messages.withUnsafeBytes { bytes in
                    unsafe key.digests(
                        ofFixed: UnsafeRawBufferPointer(rebasing: bytes[..<(count * width)]), width: width, into: target
                    )
                }
            }
            unsafe digests.withBytes { bytes in
                for index in 0..<count {
                    unsafe numbers[start + index] = UInt64(
                        bigEndian: bytes.loadUnaligned(fromByteOffset: index * key.digestByteCount, as: UInt64.self))
                }
            }
        }
    }
}

/// A permutation of 0 ..< count and its inverse. As secret as the key: it is the key of this domain.
final class Permutation: Sendable {
    let count: Int
    /// `count` places, then `count` indices, 32 bits each.
    private let table: WipedBytes

    /// Each number's place among `count` 64-bit numbers.
    init(orderOf numbers: WipedBytes, count: Int) {
        self.count = count
        table = unsafe WipedBytes(byteCount: 8 * count) { target in
            let words = unsafe target.bindMemory(to: UInt32.self).baseAddress!
            let scratch = unsafe WipedBytes(byteCount: 4 * count) { scratch in
                unsafe numbers.withBytes { numbers in
                    unsafe kernel_format_places(
                        numbers.bindMemory(to: UInt64.self).baseAddress!, count, words, words + count,
                        scratch.bindMemory(to: UInt32.self).baseAddress!)
                }
            }
            withExtendedLifetime(scratch) {}
        }
    }

    func forward(_ value: Int) -> Int { entry(value) }
    func backward(_ value: Int) -> Int { entry(count + value) }

    private func entry(_ index: Int) -> Int {
        unsafe table.withBytes { unsafe Int($0.load(fromByteOffset: 4 * index, as: UInt32.self)) }
    }
}
