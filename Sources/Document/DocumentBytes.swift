internal import CSystem
import Model

#if canImport(Glibc)
import Glibc
#elseif canImport(Musl)
import Musl
#endif

/// From a path to a text that is worth parsing: bounded, UTF-8, and without characters that no editor shows.
enum DocumentBytes {
    /// Why a file could not be read, in words for a message; never its content.
    enum Failure: Error {
        case tooLarge
        case system(CInt)

        var words: String {
            switch self {
            case .tooLarge: "is too large"
            case .system(ENOENT), .system(ENOTDIR): "does not exist"
            case .system(EACCES), .system(EPERM): "may not be read by this user"
            case .system(EISDIR): "is a folder"
            case .system(EINVAL): "is a device or a pipe"
            case .system(let code): "cannot be read (errno \(code))"
            }
        }
    }

    /// The bytes of a file, or why not. Reads at most `byteLimit` + 1 bytes.
    ///
    /// - Parameter isRegular: a device or a pipe is refused; otherwise a pipe is read to its end.
    static func file(_ path: String, byteLimit: Int, isRegular: Bool = false) -> Result<[UInt8], Failure> {
        let handle = unsafe isRegular ? system_open_regular(path) : open(path, O_RDONLY | O_CLOEXEC)
        guard handle >= 0 else { return .failure(.system(isRegular ? -handle : errno)) }
        defer { close(handle) }
        var bytes: [UInt8] = []
        var piece = [UInt8](repeating: 0, count: 64 << 10)
        while true {
            // The call writes at most `piece.count` bytes and keeps no pointer.
            let count = unsafe piece.withUnsafeMutableBytes { unsafe readBytes(handle, $0.baseAddress, $0.count) }
            if count < 0 {
                if errno == EINTR { continue }
                return .failure(.system(errno))
            }
            if count == 0 { return .success(bytes) }
            bytes += piece[..<count]
            if bytes.count > byteLimit { return .failure(.tooLarge) }
        }
    }

    static func read(path: String, problems: inout ProblemList) -> [UInt8]? {
        switch file(path, byteLimit: Limits.bytesPerDocument) {
        case .success(let bytes): return bytes
        case .failure(.tooLarge): tooLarge(&problems)
        case .failure(let failure): problems.error(nil, found: "the document \(failure.words)")
        }
        return nil
    }

    /// The bytes as text; names the place of the first byte that is no UTF-8.
    static func text(of bytes: [UInt8], problems: inout ProblemList) -> String? {
        if let text = String(validating: bytes, as: UTF8.self) { return text }
        var line = 1
        var lineStart = 0
        let valid = validPrefix(of: bytes)
        for index in 0..<valid where bytes[index] == UInt8(ascii: "\n") {
            line += 1
            lineStart = index + 1
        }
        let column = String(decoding: bytes[lineStart..<valid], as: UTF8.self).unicodeScalars.count + 1
        problems.error(
            Position(line: line, column: column), found: "a byte that is not UTF-8", expected: "a text in UTF-8",
            remedy: "save the document as UTF-8")
        return nil
    }

    /// How many leading bytes are valid UTF-8.
    private static func validPrefix(of bytes: [UInt8]) -> Int {
        var decoder = UTF8()
        var iterator = bytes.makeIterator()
        var count = 0
        while case .scalarValue(let scalar) = decoder.decode(&iterator) { count += UTF8.width(scalar) }
        return min(count, bytes.count)
    }

    /// Size, and characters that would show a reader something else than what is there: control characters, line
    /// separators that only some programs count, and marks that reverse the direction of writing.
    static func check(_ text: String, problems: inout ProblemList) -> Bool {
        guard text.utf8.count <= Limits.bytesPerDocument else {
            tooLarge(&problems)
            return false
        }
        var line = 1
        var column = 0
        var isAfterReturn = false
        var isGood = true
        for (index, scalar) in text.unicodeScalars.enumerated() {
            column += 1
            switch scalar.value {
            case 0x0A:
                // A pair of return and line feed ends one line.
                if !isAfterReturn { line += 1 }
                column = 0
            case 0x0D:
                line += 1
                column = 0
            case 0x09, 0x20...0x7E: break
            case 0xFEFF where index == 0: column = 0
            case 0...0x1F, 0x7F...0x9F, 0x2028, 0x2029, 0x202A...0x202E, 0x2066...0x2069, 0xFEFF, 0xFFFE, 0xFFFF:
                let hexadecimal = String(scalar.value, radix: 16, uppercase: true)
                let code = String(repeating: "0", count: max(0, 4 - hexadecimal.count)) + hexadecimal
                problems.error(
                    Position(line: line, column: column), found: "the invisible character U+\(code)",
                    remedy: "delete it, or write it as \"\\u\(code)\" in double quotes")
                isGood = false
            default: break
            }
            isAfterReturn = scalar.value == 0x0D
            if !isGood { return false }
        }
        return true
    }

    private static func tooLarge(_ problems: inout ProblemList) {
        problems.error(
            .start, found: "a document of more than \(Limits.bytesPerDocument) bytes",
            expected: "at most \(Limits.bytesPerDocument) bytes")
    }
}

/// The system's `read`, under a name that does not clash with this file's own.
private func readBytes(_ handle: CInt, _ target: UnsafeMutableRawPointer?, _ byteCount: Int) -> Int {
    unsafe read(handle, target, byteCount)
}
