import Foundation

/// The published test vectors beside the checkout, where there are any.
enum VectorFile {
    /// Folder named by ETL_SHARED, else `../shared` beside the package.
    static var folder: URL {
        if let path = ProcessInfo.processInfo.environment["ETL_SHARED"] {
            return URL(filePath: path).appending(path: "vectors")
        }
        let package = URL(filePath: #filePath).deletingLastPathComponent().deletingLastPathComponent()
            .deletingLastPathComponent()
        return package.deletingLastPathComponent().appending(path: "shared/vectors")
    }

    static var isPresent: Bool { FileManager.default.fileExists(atPath: folder.path) }
}

/// Bytes of a hexadecimal text of even length.
func bytes(hex: String) -> [UInt8] {
    var bytes: [UInt8] = []
    var high: UInt8?
    for digit in hex.compactMap(\.hexDigitValue) {
        if let first = high {
            bytes.append(first << 4 | UInt8(digit))
            high = nil
        } else {
            high = UInt8(digit)
        }
    }
    return bytes
}
