internal import S3

#if canImport(Glibc)
import Glibc
#elseif canImport(Musl)
import Musl
#endif

/// The pattern of an object's key, as `FileList` has them for paths: `*`, `?` and `[…]` match between two slashes
/// (POSIX `fnmatch`), a leading dot only where the pattern has it.
///
/// Like a tree of folders the bucket is walked one level at a time, so that what lies deeper than the pattern reaches is
/// not listed.
struct ObjectPattern {
    /// Between two slashes.
    private struct Level {
        let text: String
        /// What every name that matches begins with.
        let head: String
        let isPattern: Bool

        init(_ bytes: Substring.UTF8View.SubSequence) {
            text = String(decoding: bytes, as: UTF8.self)
            var head: [UInt8] = []
            var rest = bytes
            while let byte = rest.popFirst() {
                if [UInt8(ascii: "*"), UInt8(ascii: "?"), UInt8(ascii: "[")].contains(byte) {
                    self.head = String(decoding: head, as: UTF8.self)
                    isPattern = true
                    return
                }
                // The next character stands for itself.
                head.append(byte == UInt8(ascii: "\\") ? rest.popFirst() ?? byte : byte)
            }
            self.head = String(decoding: head, as: UTF8.self)
            isPattern = false
        }

        func matches(_ name: String) -> Bool {
            let isMatch = unsafe fnmatch(text, name, FNM_PERIOD) == 0
            return isMatch && !name.isEmpty
        }
    }

    private let levels: [Level]

    init(_ text: String) {
        levels = text[...].utf8.split(separator: UInt8(ascii: "/"), omittingEmptySubsequences: false).map { Level($0) }
    }

    /// False: the text is one key, with the escapes taken out of it.
    var isPattern: Bool { levels.contains { $0.isPattern } }

    /// The keys that match, in no order.
    ///
    /// - Parameter list: the objects whose keys begin with a text and go on without a slash, and the beginnings of the
    ///   others up to it.
    func keys(list: (String) throws(ExtractError) -> S3Listing) throws(ExtractError) -> [String] {
        var found = [""]
        for (index, level) in levels.enumerated() {
            let isLast = index == levels.count - 1
            // What is no pattern needs no question, unless it is the end: then somebody must say that it is there.
            guard level.isPattern || isLast else {
                found = found.map { "\($0)\(level.head)/" }
                continue
            }
            var next: [String] = []
            for folder in found {
                let listing = try list(folder + level.head)
                for key in isLast ? listing.objects.map(\.key) : listing.commonPrefixes {
                    let name = key.utf8.dropFirst(folder.utf8.count).dropLast(isLast ? 0 : 1)
                    if level.matches(String(decoding: name, as: UTF8.self)) { next.append(key) }
                }
            }
            found = next
        }
        return found
    }
}
