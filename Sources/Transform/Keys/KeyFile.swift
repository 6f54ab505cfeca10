internal import CCrypto
internal import Model
internal import Secrets

#if canImport(Glibc)
internal import Glibc
#elseif canImport(Musl)
internal import Musl
#endif

/// A key that cannot be read or made. Holds a path and a sentence, never bytes of the file.
package struct KeyError: Error, Sendable, Equatable, CustomStringConvertible {
    package enum Code: String, Sendable { case missing, unreadable, openToOthers, malformed, exists, unwritable }

    package let code: Code
    package let path: String
    package let systemCode: Int32?

    package init(_ code: Code, path: String, systemCode: Int32? = nil) {
        self.code = code
        self.path = path
        self.systemCode = systemCode
    }

    package var found: String {
        switch code {
        case .missing: "there is no key file \(path)"
        case .unreadable: "the key file \(path) cannot be read" + (systemCode.map { " (errno \($0))" } ?? "")
        case .openToOthers: "the key file \(path) can be read or written by others than its owner"
        case .malformed: "the key file \(path) does not hold 32 bytes, raw or in base64"
        case .exists: "\(path) exists; a key is never overwritten"
        case .unwritable: "the key file \(path) cannot be written" + (systemCode.map { " (errno \($0))" } ?? "")
        }
    }

    package var remedy: String {
        switch code {
        case .missing: "make it with `etlx keys new \(path)`"
        case .unreadable: "give this user the right to read it"
        case .openToOthers: "run `chmod 600 \(path)`"
        case .malformed: "make one with `etlx keys new FILE`"
        case .exists: "choose another name"
        case .unwritable: "choose a folder that this user may write"
        }
    }

    package var description: String { "\(found); \(remedy)" }
}

/// `read` of the system, which `KeyFile.read` would hide.
private func readOnce(_ descriptor: Int32, _ target: UnsafeMutableRawPointer, _ count: Int) -> Int {
    unsafe read(descriptor, target, count)
}

/// A file with one key: 32 bytes, raw or as base64 with or without a final newline, readable by its owner alone.
package enum KeyFile {
    /// - Throws: `KeyError`; the file's content is in none of them.
    package static func read(_ path: String, name: String) throws(KeyError) -> MaskingKey {
        let descriptor = unsafe open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK)
        guard descriptor >= 0 else {
            let code = errno
            throw KeyError(code == ENOENT || code == ENOTDIR ? .missing : .unreadable, path: path, systemCode: code)
        }
        defer { close(descriptor) }
        var status = stat()
        guard unsafe fstat(descriptor, &status) == 0 else {
            throw KeyError(.unreadable, path: path, systemCode: errno)
        }
        guard status.st_mode & S_IFMT == S_IFREG else { throw KeyError(.unreadable, path: path) }
        guard status.st_mode & 0o077 == 0 else { throw KeyError(.openToOthers, path: path) }

        // One byte more than the longest form, so that a longer file shows.
        let longest = 64
        var count = 0
        var systemCode: Int32?
        let content = unsafe WipedBytes(byteCount: longest + 1) { target in
            while count <= longest {
                let got = unsafe readOnce(descriptor, target.baseAddress! + count, longest + 1 - count)
                if got < 0, errno == EINTR { continue }
                if got < 0 { systemCode = errno }
                if got <= 0 { break }
                count += got
            }
        }
        if let systemCode { throw KeyError(.unreadable, path: path, systemCode: systemCode) }
        let key = unsafe content.withBytes { bytes -> MaskingKey? in
            unsafe KeyFile.key(named: name, in: UnsafeRawBufferPointer(rebasing: bytes[..<count]))
        }
        guard let key else { throw KeyError(.malformed, path: path) }
        return key
    }

    /// Makes a file with a new random key as base64 and a newline, mode 0600. Fails when anything has that name.
    package static func create(_ path: String) throws(KeyError) {
        let random = unsafe WipedBytes(byteCount: MaskingKey.byteCount) { target in
            let status = unsafe RAND_bytes(target.baseAddress!.assumingMemoryBound(to: UInt8.self), Int32(target.count))
            precondition(status == 1, "the system gives random bytes")
        }
        let descriptor = unsafe open(path, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0o600)
        guard descriptor >= 0 else {
            let code = errno
            throw KeyError(code == EEXIST ? .exists : .unwritable, path: path, systemCode: code)
        }
        defer { close(descriptor) }
        // 44 characters, a newline, and the zero byte that EVP_EncodeBlock ends with.
        let text = unsafe WipedBytes(byteCount: 46) { target in
            unsafe random.withBytes { bytes in
                let base = unsafe target.baseAddress!.assumingMemoryBound(to: UInt8.self)
                let length = unsafe EVP_EncodeBlock(
                    base, bytes.baseAddress!.assumingMemoryBound(to: UInt8.self), Int32(bytes.count))
                unsafe base[Int(length)] = UInt8(ascii: "\n")
            }
        }
        let written = unsafe text.withBytes { unsafe write(descriptor, $0.baseAddress!, 45) }
        // The umask may have narrowed the mode; a key that its owner cannot read helps nobody.
        guard written == 45, fchmod(descriptor, 0o600) == 0, fsync(descriptor) == 0 else {
            let code = errno
            unsafe unlink(path)
            throw KeyError(.unwritable, path: path, systemCode: code)
        }
    }

    /// The key that a file's bytes hold, or nil. A key of 32 equal bytes is a mistake, not a key.
    private static func key(named name: String, in bytes: UnsafeRawBufferPointer) -> MaskingKey? {
        let isRaw = bytes.count == MaskingKey.byteCount
        guard let secret = unsafe isRaw ? WipedBytes(copying: bytes) : decode(base64: bytes) else { return nil }
        let isOneByteRepeated = unsafe secret.withBytes { bytes in
            unsafe bytes.dropFirst().elementsEqual(bytes.dropLast())
        }
        return isOneByteRepeated ? nil : MaskingKey(name: name, bytes: secret)
    }

    /// 32 bytes from 43 digits of base64 (standard alphabet), one `=` if it is there, and line ends. nil: anything else.
    private static func decode(base64 bytes: UnsafeRawBufferPointer) -> WipedBytes? {
        var end = bytes.count
        while unsafe end > 0 && (bytes[end - 1] == UInt8(ascii: "\n") || bytes[end - 1] == UInt8(ascii: "\r")) {
            end -= 1
        }
        if unsafe end == 44 && bytes[43] == UInt8(ascii: "=") { end = 43 }
        guard end == 43 else { return nil }
        var isWellFormed = true
        let decoded = unsafe WipedBytes(byteCount: MaskingKey.byteCount) { target in
            var bits: UInt32 = 0
            var held = 0
            var written = 0
            for index in 0..<43 {
                guard let digit = unsafe digit(bytes[index]) else {
                    isWellFormed = false
                    return
                }
                bits = bits << 6 | digit
                held += 6
                if held >= 8 {
                    held -= 8
                    unsafe target[written] = UInt8(truncatingIfNeeded: bits >> UInt32(held))
                    written += 1
                }
                bits &= (1 << UInt32(held)) - 1
            }
            // Two bits are left; a well-formed text has them zero.
            if bits != 0 { isWellFormed = false }
        }
        return isWellFormed ? decoded : nil
    }

    private static func digit(_ byte: UInt8) -> UInt32? {
        switch byte {
        case UInt8(ascii: "A")...UInt8(ascii: "Z"): UInt32(byte - UInt8(ascii: "A"))
        case UInt8(ascii: "a")...UInt8(ascii: "z"): UInt32(byte - UInt8(ascii: "a")) + 26
        case UInt8(ascii: "0")...UInt8(ascii: "9"): UInt32(byte - UInt8(ascii: "0")) + 52
        case UInt8(ascii: "+"): 62
        case UInt8(ascii: "/"): 63
        default: nil
        }
    }
}
