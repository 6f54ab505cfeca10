internal import CCrypto
internal import CNNG

#if canImport(Glibc)
import Glibc
#elseif canImport(Musl)
import Musl
#endif

/// One `nng_tls_config`, made of the files as they are now. nng lets no configuration be changed once it is used.
///
/// - Both sides always ask for the other's certificate (nng's own default lets a listener's peers be anonymous), and a
///   dialler always names whom it expects: without a name, any certificate of the authority would do.
@safe final class TLSConfiguration: @unchecked Sendable {
    // Unchecked: the pointer never changes, and nng counts and locks what it points to.
    let pointer: OpaquePointer

    enum Side: Equatable {
        case listener
        /// `name`: which the listener's certificate must have.
        case dialler(name: String)
    }

    /// Throws `notAllowed`, naming the file, when one of them cannot be read or used.
    init(_ side: Side, _ files: TLSFiles) throws(ClusterError) {
        unsafe pointer = try Self.make(side)
        let authority = try Self.text(files.authority, isSecret: false)
        let certificate = try Self.text(files.certificate, isSecret: false)
        var key = try Self.text(files.privateKey, isSecret: true)
        defer { Self.wipe(&key) }
        unsafe try Self.require(
            nng_tls_config_auth_mode(pointer, NNG_TLS_AUTH_MODE_REQUIRED), "certificates cannot be required")
        let authorityResult = unsafe authority.withUnsafeBufferPointer {
            unsafe nng_tls_config_ca_chain(pointer, $0.baseAddress, nil)
        }
        try Self.require(authorityResult, "\(files.authority) holds no certificates of an authority")
        let ownResult = unsafe certificate.withUnsafeBufferPointer { certificate in
            unsafe key.withUnsafeBufferPointer { key in
                unsafe nng_tls_config_own_cert(pointer, certificate.baseAddress, key.baseAddress, nil)
            }
        }
        guard ownResult == 0, Self.belongTogether(certificate, key) else {
            throw ClusterError(
                .notAllowed, reason: "\(files.certificate) and \(files.privateKey) are no certificate and its key")
        }
    }

    /// Of a dialler that shows nothing and believes everything: what a listener must not let in.
    init(anonymous: Void) throws(ClusterError) {
        unsafe pointer = try Self.make(.dialler(name: "anonymous"))
        unsafe try Self.require(nng_tls_config_auth_mode(pointer, NNG_TLS_AUTH_MODE_NONE), "no anonymous dialler")
    }

    deinit { unsafe nng_tls_config_free(pointer) }

    private static func make(_ side: Side) throws(ClusterError) -> OpaquePointer {
        var made: OpaquePointer?
        let mode = side == .listener ? NNG_TLS_MODE_SERVER : NNG_TLS_MODE_CLIENT
        unsafe try require(nng_tls_config_alloc(&made, mode), "this libnng was built without TLS")
        guard let made = unsafe made else { throw ClusterError(.notAllowed, reason: "no TLS") }
        if case .dialler(let name) = side {
            unsafe try require(nng_tls_config_server_name(made, name), "no name to expect")
        }
        return unsafe made
    }

    private static func require(_ result: CInt, _ sentence: String) throws(ClusterError) {
        guard result != 0 else { return }
        throw ClusterError(.notAllowed, reason: "\(sentence) (\(errorText(result)))")
    }

    /// nng takes any key for any certificate, and then no handshake works.
    private static func belongTogether(_ certificate: [CChar], _ key: [CChar]) -> Bool {
        guard let first = unsafe BIO_new_mem_buf(certificate, CInt(certificate.count - 1)),
            let second = unsafe BIO_new_mem_buf(key, CInt(key.count - 1))
        else { return false }
        defer {
            unsafe BIO_free(first)
            unsafe BIO_free(second)
            ERR_clear_error()
        }
        // A key under a pass phrase must not ask the terminal for it.
        guard let read = unsafe PEM_read_bio_X509(first, nil, { _, _, _, _ in 0 }, nil) else { return false }
        defer { unsafe X509_free(read) }
        guard let own = unsafe PEM_read_bio_PrivateKey(second, nil, { _, _, _, _ in 0 }, nil) else { return false }
        defer { unsafe EVP_PKEY_free(own) }
        return unsafe X509_check_private_key(read, own) == 1
    }

    /// Zeros that no compiler leaves out.
    private static func wipe(_ text: inout [CChar]) {
        unsafe text.withUnsafeMutableBytes { bytes in
            if let start = bytes.baseAddress { unsafe explicit_bzero(start, bytes.count) }
        }
    }

    /// A file's text with the zero at its end that nng wants.
    private static func text(_ path: String, isSecret: Bool) throws(ClusterError) -> [CChar] {
        do throws(GuardedFile.Problem) {
            return try GuardedFile(path, isSecret: isSecret).bytes.map { CChar(bitPattern: $0) } + [0]
        } catch {
            throw ClusterError(.notAllowed, reason: error.words(path))
        }
    }
}
