import CCrypto
import Foundation

/// `SHA256SUMS.sig`: an SSHSIG (OpenSSH, PROTOCOL.sshsig) over the bytes of `SHA256SUMS`, as `ssh-keygen -Y sign` writes it.
///
///     -----BEGIN SSH SIGNATURE-----     then base64 in lines of 70, then the same with END
///     "SSHSIG"  1  public key  "etlx-version@1"  ""  "sha512"  signature
///     signed: "SSHSIG"  "etlx-version@1"  ""  "sha512"  SHA-512 of the bytes
///
/// Valid: written as above to the byte, by a key of Ed25519 whose signature holds; `sha256` is taken as well.
struct SSHSignature: Equatable {
    enum Hash: String { case sha256, sha512 }

    static let namespace = "etlx-version@1"
    private static let magic = Array("SSHSIG".utf8)
    private static let (begin, end) = ("-----BEGIN SSH SIGNATURE-----", "-----END SSH SIGNATURE-----")

    /// 32 bytes.
    let publicKey: [UInt8]
    let hash: Hash
    /// 64 bytes.
    let signature: [UInt8]

    init(publicKey: [UInt8], hash: Hash, signature: [UInt8]) {
        self.publicKey = publicKey
        self.hash = hash
        self.signature = signature
    }

    /// nil for bytes that are no such file.
    init?(file: [UInt8]) {
        guard let text = String(validating: file, as: UTF8.self) else { return nil }
        let lines = text.split(separator: "\n", omittingEmptySubsequences: false)
        guard lines.count > 3, lines[0] == Self.begin, lines[lines.count - 2] == Self.end,
            let blob = Data(base64Encoded: lines[1..<lines.count - 2].joined())
        else { return nil }
        guard let found = unsafe blob.withUnsafeBytes({ unsafe Self.read($0) }) else { return nil }
        self = found
        // One signature has one form: what base64 and line ends leave open is decided.
        guard self.file == file else { return nil }
    }

    private static func read(_ memory: UnsafeRawBufferPointer) -> SSHSignature? {
        var reader = unsafe SSHReader(memory)
        guard let magic = unsafe reader.take(6), unsafe magic.elementsEqual(Self.magic), reader.number() == 1,
            let key = unsafe reader.string(), reader.skip(namespace), reader.skip(""),
            let hash = unsafe reader.string().flatMap({ unsafe Hash(rawValue: String(decoding: $0, as: UTF8.self)) }),
            let signature = unsafe reader.string(), reader.isAtEnd
        else { return nil }
        guard let publicKey = unsafe bytes(in: key, Ed25519.keyByteCount),
            let signature = unsafe bytes(in: signature, Ed25519.signatureByteCount)
        else { return nil }
        return SSHSignature(publicKey: publicKey, hash: hash, signature: signature)
    }

    /// The bytes behind the type's name, in a key or a signature of Ed25519.
    private static func bytes(in memory: UnsafeRawBufferPointer, _ count: Int) -> [UInt8]? {
        var reader = unsafe SSHReader(memory)
        guard reader.skip(SSHText.keyType), let bytes = unsafe reader.string(), bytes.count == count, reader.isAtEnd
        else { return nil }
        return unsafe [UInt8](bytes)
    }

    /// The bytes of the file.
    var file: [UInt8] {
        let blob =
            Self.magic + [0, 0, 0, 1] + SSHText.string(SSHText.publicKey(publicKey)) + SSHText.string(Self.namespace)
            + SSHText.string("") + SSHText.string(hash.rawValue)
            + SSHText.string(SSHText.string(SSHText.keyType) + SSHText.string(signature))
        let letters = Array(Data(blob).base64EncodedString().utf8)
        var lines = [Self.begin]
        for start in stride(from: 0, to: letters.count, by: 70) {
            lines.append(String(decoding: letters[start..<min(start + 70, letters.count)], as: UTF8.self))
        }
        return Array((lines + [Self.end, ""]).joined(separator: "\n").utf8)
    }

    /// What is signed for these bytes.
    static func message(_ bytes: [UInt8], hash: Hash) -> [UInt8] {
        var digest = [UInt8](repeating: 0, count: hash == .sha512 ? 64 : 32)
        let isDone =
            unsafe EVP_Digest(bytes, bytes.count, &digest, nil, hash == .sha512 ? EVP_sha512() : EVP_sha256(), nil) == 1
        precondition(isDone, "libcrypto lacks a digest: out of memory or a provider without it")
        return magic + SSHText.string(namespace) + SSHText.string("") + SSHText.string(hash.rawValue)
            + SSHText.string(digest)
    }

    func isValid(for bytes: [UInt8]) -> Bool {
        Ed25519.isValid(signature, of: Self.message(bytes, hash: hash), by: publicKey)
    }

    var fingerprint: String { Self.fingerprint(of: publicKey) }

    /// As `ssh-keygen -l` prints it.
    static func fingerprint(of publicKey: [UInt8]) -> String {
        let digest = FileDigest()
        unsafe SSHText.publicKey(publicKey).withUnsafeBytes { unsafe digest.add($0) }
        return "SHA256:" + Data(digest.finishBytes()).base64EncodedString().filter { $0 != "=" }
    }
}
