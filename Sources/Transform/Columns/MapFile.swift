internal import CCrypto
internal import CSystem
internal import Foundation

/// A table of values in a CSV file (RFC 4180): a header, then two fields a record, value and replacement. UTF-8, with or
/// without byte-order mark; at most 64 MiB. A value stands there once.
enum MapFile {
    /// What is wrong with a file, by line, never by content.
    struct Problem: Error {
        let found: String
    }

    static let largestByteCount = 64 << 20

    /// - Parameter boundary: the folder that the file lies in or below, symbolic links followed; nil: anywhere.
    static func read(
        _ path: String, baseDirectory: String, boundary: String? = nil
    ) throws(Problem) -> (table: MapStep.Table, sha256: String) {
        let full = path.hasPrefix("/") ? path : "\(baseDirectory)/\(path)"
        if let boundary, unsafe system_is_beneath(full, boundary) != 1 {
            throw Problem(found: "lies outside the folder for documents' files, --base-directory")
        }
        var bytes = try bytes(of: full)
        let digest = sha256(bytes)
        if bytes.starts(with: [0xef, 0xbb, 0xbf]) { bytes.removeFirst(3) }
        guard String(validating: bytes, as: UTF8.self) != nil else { throw Problem(found: "is not UTF-8") }
        return (try table(bytes), digest)
    }

    /// Of a regular file alone: a pipe could be waited for without end.
    private static func bytes(of path: String) throws(Problem) -> [UInt8] {
        let descriptor = unsafe system_open_regular(path)
        guard descriptor >= 0 else {
            throw Problem(found: descriptor == -EINVAL ? "is a device or a pipe" : "cannot be read")
        }
        let file = FileHandle(fileDescriptor: descriptor, closeOnDealloc: true)
        let data: Data
        // nil: the file has no bytes.
        do { data = try file.read(upToCount: largestByteCount + 1) ?? Data() } catch {
            throw Problem(found: "cannot be read")
        }
        guard data.count <= largestByteCount else { throw Problem(found: "is larger than 64 MiB") }
        return [UInt8](data)
    }

    private static func table(_ bytes: [UInt8]) throws(Problem) -> MapStep.Table {
        var table: MapStep.Table = [:]
        var reader = RecordReader(bytes: bytes)
        var isHeader = true
        while let (line, fields) = try reader.next() {
            guard fields.count == 2 else { throw Problem(found: "has \(fields.count) fields in line \(line)") }
            if isHeader {
                isHeader = false
                continue
            }
            let replacement = String(decoding: fields[1], as: UTF8.self)
            guard table.updateValue(replacement, forKey: fields[0]) == nil else {
                throw Problem(found: "names a value for the second time in line \(line)")
            }
        }
        if isHeader { throw Problem(found: "is empty") }
        return table
    }

    private static func sha256(_ bytes: [UInt8]) -> String {
        unsafe [UInt8](unsafeUninitializedCapacity: 32) { target, count in
            var length: UInt32 = 0
            unsafe EVP_Digest(bytes, bytes.count, target.baseAddress!, &length, EVP_sha256(), nil)
            count = Int(length)
        }.hexadecimal
    }
}

/// Splits CSV into records. Empty lines are no records.
private struct RecordReader {
    let bytes: [UInt8]
    private var index = 0
    private var line = 1

    init(bytes: [UInt8]) { self.bytes = bytes }

    mutating func next() throws(MapFile.Problem) -> (line: Int, fields: [[UInt8]])? {
        while index < bytes.count, bytes[index] == 10 || bytes[index] == 13 { step() }
        guard index < bytes.count else { return nil }
        let start = line
        var fields: [[UInt8]] = []
        while true {
            fields.append(try field())
            guard index < bytes.count, bytes[index] == UInt8(ascii: ",") else { return (start, fields) }
            step()
        }
    }

    private mutating func step() {
        if bytes[index] == 10 { line += 1 }
        index += 1
    }

    private mutating func field() throws(MapFile.Problem) -> [UInt8] {
        var field: [UInt8] = []
        guard index < bytes.count, bytes[index] == UInt8(ascii: "\"") else {
            while index < bytes.count, bytes[index] != UInt8(ascii: ","), bytes[index] != 10, bytes[index] != 13 {
                if bytes[index] == UInt8(ascii: "\"") {
                    throw MapFile.Problem(found: "has a quote inside an unquoted field in line \(line)")
                }
                field.append(bytes[index])
                step()
            }
            return field
        }
        let start = line
        step()
        while index < bytes.count {
            let byte = bytes[index]
            step()
            if byte != UInt8(ascii: "\"") {
                field.append(byte)
            } else if index < bytes.count, bytes[index] == UInt8(ascii: "\"") {
                field.append(byte)
                step()
            } else {
                let ends = index >= bytes.count || [10, 13, UInt8(ascii: ",")].contains(bytes[index])
                if ends { return field }
                throw MapFile.Problem(found: "has text after a closing quote in line \(line)")
            }
        }
        throw MapFile.Problem(found: "has an open quote in line \(start)")
    }
}
