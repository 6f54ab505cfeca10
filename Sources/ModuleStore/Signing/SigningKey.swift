import Glibc
import Secrets

/// The key that signs the versions of a store: an Ed25519 key of OpenSSH without passphrase, readable by its owner alone.
///
/// The private key stands in memory that is zeroed on release; libcrypto's copy lives as long as a signature takes.
package final class SigningKey: Sendable, CustomStringConvertible {
    private let seed: WipedBytes
    private let publicKey: [UInt8]
    /// As `ssh-keygen -l` prints it: `SHA256:` and base64 without `=`.
    package let fingerprint: String

    /// - Throws: `.refused`, naming the file, what is wrong with it and how to make a good one; never bytes of it.
    package init(path: String) throws(StoreError) {
        let (text, count) = try Self.read(path)
        let key: Result<OpenSSHKey, OpenSSHKey.Problem> = unsafe text.withBytes { bytes in
            do throws(OpenSSHKey.Problem) {
                return .success(try unsafe OpenSSHKey(UnsafeRawBufferPointer(rebasing: bytes[..<count])))
            } catch { return .failure(error) }
        }
        switch key {
        case .success(let key):
            seed = key.seed
            publicKey = key.publicKey
            fingerprint = SSHSignature.fingerprint(of: key.publicKey)
        case .failure(let problem): throw StoreError(.refused, path, problem.words)
        }
    }

    package var description: String { "key \(fingerprint)" }

    /// The bytes of `SHA256SUMS.sig` for these of `SHA256SUMS`: the same for the same.
    func signatureFile(of bytes: [UInt8]) -> [UInt8] {
        SSHSignature(
            publicKey: publicKey, hash: .sha512,
            signature: Ed25519.sign(SSHSignature.message(bytes, hash: .sha512), with: seed)
        ).file
    }

    private static let byteLimit = 16 << 10

    /// The permissions are those of the very file that is read. Root's files may be read by a group, which is how they are
    /// handed to a process that is not root.
    private static func read(_ path: String) throws(StoreError) -> (WipedBytes, Int) {
        let descriptor = unsafe open(path, O_RDONLY | O_CLOEXEC | O_NOCTTY | O_NONBLOCK)
        guard descriptor >= 0 else {
            throw StoreError(.refused, path, "the signing key cannot be read", systemCode: errno)
        }
        defer { close(descriptor) }
        var status = stat()
        guard unsafe fstat(descriptor, &status) == 0, status.st_mode & S_IFMT == S_IFREG else {
            throw StoreError(.refused, path, "the signing key is no regular file")
        }
        let isHandedOver = status.st_uid == 0 && geteuid() != 0
        guard status.st_mode & (isHandedOver ? 0o037 : 0o077) == 0 else {
            throw StoreError(.refused, path, "the signing key can be read by others than its owner: chmod 600 it")
        }
        guard status.st_size <= byteLimit else { throw StoreError(.refused, path, "the signing key is too long") }
        var (count, code) = (0, Int32(0))
        let bytes = unsafe WipedBytes(byteCount: byteLimit) { target in
            while count < target.count {
                // `count` is below the buffer's length.
                let got = unsafe Glibc.read(descriptor, target.baseAddress! + count, target.count - count)
                if got < 0, errno == EINTR { continue }
                if got < 0 { code = errno }
                if got <= 0 { break }
                count += got
            }
        }
        guard code == 0 else { throw StoreError(.refused, path, "the signing key cannot be read", systemCode: code) }
        return (bytes, count)
    }
}
