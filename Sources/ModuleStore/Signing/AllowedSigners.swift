import Foundation

/// The keys whose signatures are good, in the form of `ssh-keygen`'s allowed signers: a key a line.
///
///     principals [options] ssh-ed25519 BASE64 [comment]
///
/// Options: `namespaces="…"` (patterns), `valid-after="YYYYMMDD[HHMM[SS]][Z]"`, `valid-before`. Who the principals are
/// does not matter here. Keys of other types sign no version and are passed over; authorities of certificates and
/// whatever else is not understood are refused, because passing over them would ask for less than the file does.
package struct AllowedSigners: Sendable {
    struct Signer: Sendable, Equatable {
        let publicKey: [UInt8]
        /// Unix time in seconds.
        var validAfter: Int64 = .min
        var validBefore: Int64 = .max
    }

    let signers: [Signer]

    /// - Throws: `.refused`, with the line that is not understood.
    package init(path: String) throws(StoreError) {
        guard let data = FileManager.default.contents(atPath: path) else {
            throw StoreError(.refused, path, "the file of signers cannot be read")
        }
        guard data.count <= 4 << 20, let text = String(validating: data, as: UTF8.self) else {
            throw StoreError(.refused, path, "this is no file of signers")
        }
        try self.init(text: text, path: path)
    }

    init(text: String, path: String) throws(StoreError) {
        var signers: [Signer] = []
        for (index, line) in text.utf8.split(separator: 0x0a, omittingEmptySubsequences: false).enumerated() {
            do throws(Fault) {
                if let signer = try Self.signer(Array(line)) { signers.append(signer) }
            } catch {
                throw StoreError(.refused, path, "line \(index + 1): \(error.reason)")
            }
        }
        guard !signers.isEmpty else { throw StoreError(.refused, path, "it names no key of the type ssh-ed25519") }
        self.signers = signers
    }

    /// - Parameter time: Unix time in seconds.
    func allow(_ publicKey: [UInt8], at time: Int64) -> Bool {
        signers.contains { $0.publicKey == publicKey && $0.validAfter <= time && time <= $0.validBefore }
    }

    // MARK: A line

    private struct Fault: Error { let reason: String }

    /// nil: nothing on it that could sign a version.
    private static func signer(_ line: [UInt8]) throws(Fault) -> Signer? {
        let start = line.first { $0 != 0x20 && $0 != 0x09 && $0 != 0x0d }
        guard let start, start != UInt8(ascii: "#") else { return nil }
        var fields = try fields(line)
        fields.removeFirst()
        var options: [UInt8] = []
        if let next = fields.first, !isKeyType(next) {
            options = next
            fields.removeFirst()
        }
        guard fields.count >= 2, isKeyType(fields[0]) else {
            throw Fault(reason: "expected: principals [options] ssh-ed25519 BASE64")
        }
        var signer: Signer?
        if fields[0] == Array(SSHText.keyType.utf8) {
            guard let blob = Data(base64Encoded: String(decoding: fields[1], as: UTF8.self)),
                blob.count == SSHText.publicKey([]).count + Ed25519.keyByteCount,
                Array(blob) == SSHText.publicKey(Array(blob.suffix(Ed25519.keyByteCount)))
            else { throw Fault(reason: "the key is damaged") }
            signer = Signer(publicKey: Array(blob.suffix(Ed25519.keyByteCount)))
        }
        for option in split(options, at: UInt8(ascii: ",")) where !option.isEmpty {
            let pieces = split(option, at: UInt8(ascii: "="))
            let name = String(decoding: pieces[0], as: UTF8.self).lowercased()
            let value = String(
                decoding: option.dropFirst(pieces[0].count + 1).filter { $0 != UInt8(ascii: "\"") }, as: UTF8.self)
            switch name {
            case "namespaces": if !Patterns.match(SSHSignature.namespace, value) { signer = nil }
            case "valid-after": signer?.validAfter = try time(value)
            case "valid-before": signer?.validBefore = try time(value)
            default: throw Fault(reason: "the option \(name) is not understood here")
            }
        }
        return signer
    }

    private static func isKeyType(_ word: [UInt8]) -> Bool {
        ["ssh-", "ecdsa-", "sk-"].contains { word.starts(with: $0.utf8) }
    }

    /// The words of a line; a space within quotes parts none.
    private static func fields(_ line: [UInt8]) throws(Fault) -> [[UInt8]] {
        let line = line.map { $0 == 0x09 || $0 == 0x0d ? 0x20 : $0 }
        guard line.count(where: { $0 == UInt8(ascii: "\"") }) % 2 == 0 else {
            throw Fault(reason: "a quote is not closed")
        }
        return split(line, at: 0x20).filter { !$0.isEmpty }
    }

    private static func split(_ bytes: [UInt8], at separator: UInt8) -> [[UInt8]] {
        var (pieces, isQuoted): ([[UInt8]], Bool) = ([[]], false)
        for byte in bytes {
            if byte == UInt8(ascii: "\"") { isQuoted.toggle() }
            if byte == separator, !isQuoted { pieces.append([]) } else { pieces[pieces.count - 1].append(byte) }
        }
        return pieces
    }

    /// Of `YYYYMMDD[HHMM[SS]]`, in UTC with a `Z` behind it, else in this machine's zone.
    private static func time(_ text: String) throws(Fault) -> Int64 {
        let isUniversal = text.hasSuffix("Z")
        let digits = text.utf8.prefix(text.utf8.count - (isUniversal ? 1 : 0)).map { Int($0) - 0x30 }
        guard [8, 12, 14].contains(digits.count), digits.allSatisfy({ (0...9).contains($0) }) else {
            throw Fault(reason: "a time is written YYYYMMDD, YYYYMMDDHHMM or YYYYMMDDHHMMSS, with Z for UTC")
        }
        func number(_ range: Range<Int>) -> Int {
            range.upperBound <= digits.count ? digits[range].reduce(0) { 10 * $0 + $1 } : 0
        }
        var calendar = Calendar(identifier: .gregorian)
        calendar.timeZone = isUniversal ? TimeZone(secondsFromGMT: 0)! : .current
        let parts = DateComponents(
            year: number(0..<4), month: number(4..<6), day: number(6..<8), hour: number(8..<10),
            minute: number(10..<12),
            second: number(12..<14))
        guard parts.isValidDate(in: calendar), let date = calendar.date(from: parts) else {
            throw Fault(reason: "there is no such time")
        }
        return Int64(date.timeIntervalSince1970)
    }
}

/// Lists of patterns as OpenSSH reads them: `*` and `?`, parted by commas; one that begins with `!` and fits decides.
enum Patterns {
    static func match(_ text: String, _ list: String) -> Bool {
        var isMatched = false
        for pattern in list.split(separator: ",") {
            let isNegated = pattern.hasPrefix("!")
            guard fits(Array(text.utf8)[...], Array(pattern.utf8.dropFirst(isNegated ? 1 : 0))[...]) else { continue }
            if isNegated { return false }
            isMatched = true
        }
        return isMatched
    }

    private static func fits(_ text: ArraySlice<UInt8>, _ pattern: ArraySlice<UInt8>) -> Bool {
        guard let first = pattern.first else { return text.isEmpty }
        if first == UInt8(ascii: "*") {
            let rest = pattern.drop { $0 == UInt8(ascii: "*") }
            return rest.isEmpty || text.indices.contains { fits(text[$0...], rest) }
        }
        guard let byte = text.first, first == UInt8(ascii: "?") || first == byte else { return false }
        return fits(text.dropFirst(), pattern.dropFirst())
    }
}
