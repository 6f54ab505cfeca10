import CCrypto
import Secrets

/// A private key as `ssh-keygen -t ed25519` writes it (OpenSSH, PROTOCOL.key), read strictly:
///
///     -----BEGIN OPENSSH PRIVATE KEY-----     then base64 in lines, then the same with END
///     "openssh-key-v1\0"  cipher  kdf  kdf options  1  public key  private part
///     private part: a number twice, "ssh-ed25519", public key (32), private and public key (64), comment, 1 2 3 … to a
///     multiple of 8 bytes
///
/// Valid: no cipher, one key, of Ed25519, whose three copies of the public key are that of the private one.
struct OpenSSHKey {
    enum Problem: Error, Equatable {
        case noPrivateKey, encrypted, malformed
        /// The type that the file names, if it is a word.
        case otherType(String)

        var words: String {
            let make = "make one: ssh-keygen -t ed25519 -N '' -f FILE"
            return switch self {
            case .noPrivateKey: "this is no private key of OpenSSH; \(make)"
            case .encrypted:
                "the key is encrypted; sign with one that has no passphrase, kept for this purpose: "
                    + "ssh-keygen -t ed25519 -N '' -f FILE"
            case .otherType(let type): "the key is of the type \(type), not ssh-ed25519; \(make)"
            case .malformed: "the private key is damaged; \(make)"
            }
        }
    }

    let seed: WipedBytes
    let publicKey: [UInt8]

    /// - Parameter text: the file's bytes.
    init(_ text: UnsafeRawBufferPointer) throws(Problem) {
        let (bytes, count) = try unsafe Self.decoded(text)
        let read = unsafe bytes.withBytes { bytes in
            unsafe Self.read(UnsafeRawBufferPointer(rebasing: bytes[..<count]))
        }
        (seed, publicKey) = try read.get()
        guard Ed25519.publicKey(of: seed) == publicKey else { throw .malformed }
    }

    private static func read(_ memory: UnsafeRawBufferPointer) -> Result<(WipedBytes, [UInt8]), Problem> {
        var reader = unsafe SSHReader(memory)
        guard let magic = unsafe reader.take(15), unsafe magic.elementsEqual(Array("openssh-key-v1\0".utf8)),
            let cipher = unsafe reader.string(), let derivation = unsafe reader.string(),
            let options = unsafe reader.string(), reader.number() == 1, let stated = unsafe reader.string(),
            let part = unsafe reader.string(), reader.isAtEnd
        else { return .failure(.malformed) }
        let none = Array("none".utf8)
        guard unsafe cipher.elementsEqual(none) && derivation.elementsEqual(none) && options.isEmpty else {
            return .failure(.encrypted)
        }
        var inner = unsafe SSHReader(part)
        guard part.count % 8 == 0, let check = inner.number(), inner.number() == check,
            let type = unsafe inner.string()
        else { return .failure(.malformed) }
        guard unsafe type.elementsEqual(Array(SSHText.keyType.utf8)) else {
            let isWord = unsafe (1...64).contains(type.count) && type.allSatisfy { (0x21...0x7e).contains($0) }
            return .failure(isWord ? .otherType(unsafe String(decoding: type, as: UTF8.self)) : .malformed)
        }
        guard let publicKey = unsafe inner.string().map({ unsafe [UInt8]($0) }), publicKey.count == 32,
            let pair = unsafe inner.string(), pair.count == 64, unsafe pair.dropFirst(32).elementsEqual(publicKey),
            unsafe stated.elementsEqual(SSHText.publicKey(publicKey)), unsafe inner.string() != nil
        else { return .failure(.malformed) }
        var padding: UInt8 = 1
        while !inner.isAtEnd {
            guard padding < 8, unsafe inner.take(1)?[0] == padding else { return .failure(.malformed) }
            padding += 1
        }
        let seed = unsafe WipedBytes(byteCount: 32) { target in
            unsafe target.copyMemory(from: UnsafeRawBufferPointer(rebasing: pair[..<32]))
        }
        return .success((seed, publicKey))
    }

    /// The bytes between the two lines, and how many of them count.
    private static func decoded(_ text: UnsafeRawBufferPointer) throws(Problem) -> (WipedBytes, Int) {
        let (begin, end) = (
            Array("-----BEGIN OPENSSH PRIVATE KEY-----".utf8), Array("-----END OPENSSH PRIVATE KEY-----".utf8)
        )
        func isSpace(_ byte: UInt8) -> Bool { byte == 0x0a || byte == 0x0d }
        let length = unsafe text.lastIndex { !isSpace($0) }.map { $0 + 1 } ?? 0
        guard length >= begin.count + end.count, unsafe text.starts(with: begin) else { throw .noPrivateKey }
        guard unsafe text[..<length].suffix(end.count).elementsEqual(end) else { throw .malformed }
        let body = begin.count..<length - end.count
        var (digits, padding) = (0, 0)
        for index in body {
            let byte = unsafe text[index]
            if isSpace(byte) { continue }
            digits += 1
            if byte == UInt8(ascii: "=") { padding += 1 } else if padding > 0 { throw .malformed }
        }
        guard digits > 0, digits % 4 == 0, padding < 3 else { throw .malformed }
        let letters = unsafe WipedBytes(byteCount: digits) { target in
            var filled = 0
            for index in body where unsafe !isSpace(text[index]) {
                unsafe target[filled] = text[index]
                filled += 1
            }
        }
        var count = -1
        let bytes = unsafe WipedBytes(byteCount: digits / 4 * 3) { target in
            unsafe letters.withBytes { letters in
                count = Int(
                    unsafe EVP_DecodeBlock(
                        target.baseAddress!.assumingMemoryBound(to: UInt8.self),
                        letters.baseAddress!.assumingMemoryBound(to: UInt8.self), Int32(letters.count)))
            }
        }
        guard count == digits / 4 * 3 else { throw .malformed }
        return (bytes, count - padding)
    }
}
