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

    static func decode<T: Decodable>(_ type: T.Type, _ path: String) throws -> T {
        try JSONDecoder().decode(type, from: Data(contentsOf: folder.appending(path: path)))
    }
}

/// Bytes of a hexadecimal text of even length.
func bytes(hex: String) -> [UInt8] {
    var bytes: [UInt8] = [], high: UInt8?
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

/// A file of Wycheproof's `mac_test_schema` (HMAC, CMAC).
struct WycheproofMAC: Decodable {
    struct Group: Decodable {
        var tagSize: Int
        var tests: [Case]
    }
    struct Case: Decodable {
        var tcId: Int
        var key: String
        var msg: String
        var tag: String
        var result: String
    }
    var testGroups: [Group]
}

/// ACVP's `internalProjection.json` of the HMAC algorithms: lengths count bits.
struct ACVPHMAC: Decodable {
    struct Group: Decodable {
        /// Here in revision 1.0, in each case in revision 2.0.
        var macLen: Int?
        var tests: [Case]
    }
    struct Case: Decodable {
        var tcId: Int
        var key: String
        var msg: String
        var mac: String
        var macLen: Int?
    }
    var testGroups: [Group]
}
