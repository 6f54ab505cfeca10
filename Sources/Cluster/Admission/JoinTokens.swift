internal import Model
internal import Synchronization

/// Shared secrets that admit, from a file: one a line, `#` begins a comment line, empty lines are nothing.
///
/// - Several are valid at a time, so that they can be replaced one by one: add the new, change the nodes, remove the old.
/// - The file is looked at before each answer and read again when it was changed. While it cannot be used, nobody is admitted.
/// - Kept as digests under a key of this process; compared all of them, each in constant time.
package final class JoinTokens: Sendable, CustomStringConvertible {
    /// What is wrong with a file; never a token.
    package struct FileError: Error, Sendable, Equatable {
        package let reason: String
    }

    private struct State: Sendable {
        var identity: GuardedFile.Identity
        /// Nil: the file cannot be used as it is now.
        var digests: [[UInt8]]?
    }

    private let path: String
    private let key: [UInt8]
    /// Files of other roles: a token that stands in two of them would admit to both.
    private let others: [JoinTokens]
    private let state: Mutex<State>

    /// Throws when the file cannot be read, can be read by others, has no token, or one that is too short or stands in
    /// another role's file.
    package init(path: String, apartFrom others: [JoinTokens] = []) throws(FileError) {
        self.path = path
        self.others = others
        var random = SystemRandomNumberGenerator()
        let key = (0..<32).map { _ in UInt8.random(in: .min ... .max, using: &random) }
        self.key = key
        let (identity, digests) = try Self.read(path, key, apartFrom: others)
        state = Mutex(State(identity: identity, digests: digests))
    }

    package var description: String { "join tokens of \(path)" }

    /// Nil admits.
    package func admits(_ token: String) -> Refusal? {
        let digests = state.withLock { state -> [[UInt8]]? in
            if state.digests == nil || GuardedFile.identity(path) != state.identity {
                do throws(FileError) {
                    let (identity, digests) = try Self.read(path, key, apartFrom: others)
                    state = State(identity: identity, digests: digests)
                } catch { state.digests = nil }
            }
            return state.digests
        }
        guard let digests else { return Refusal(.unavailable, "the file of join tokens cannot be used") }
        let given = Array(HMAC.hexadecimal(key: key, Array(token.utf8)).utf8)
        var isKnown = false
        for digest in digests where ConstantTime.areEqual(digest, given) { isKnown = true }
        return isKnown ? nil : Refusal(.unknownToken, "no such join token")
    }

    private static func read(
        _ path: String, _ key: [UInt8], apartFrom others: [JoinTokens]
    ) throws(FileError) -> (GuardedFile.Identity, [[UInt8]]) {
        let file: GuardedFile
        do throws(GuardedFile.Problem) { file = try GuardedFile(path, isSecret: true) } catch {
            throw FileError(reason: error.words(path))
        }
        var digests: [[UInt8]] = []
        for (index, line) in file.bytes.split(separator: UInt8(ascii: "\n"), omittingEmptySubsequences: false)
            .enumerated()
        {
            let token = trimmed(line)
            guard let first = token.first, first != UInt8(ascii: "#") else { continue }
            guard token.allSatisfy({ (0x21...0x7e).contains($0) }) else {
                throw FileError(reason: "\(path), line \(index + 1): a token has visible ASCII characters alone")
            }
            guard (Limits.shortestJoinToken...Limits.longestCredential).contains(token.count) else {
                throw FileError(
                    reason: "\(path), line \(index + 1): a token has at least \(Limits.shortestJoinToken) characters")
            }
            for other in others where other.admits(String(decoding: token, as: UTF8.self)) == nil {
                throw FileError(
                    reason:
                        "\(path), line \(index + 1): the token stands in \(other.path) too; each role has tokens of its own"
                )
            }
            digests.append(Array(HMAC.hexadecimal(key: key, Array(token)).utf8))
        }
        guard !digests.isEmpty else { throw FileError(reason: "\(path) has no token") }
        return (file.identity, digests)
    }

    private static func trimmed(_ line: ArraySlice<UInt8>) -> ArraySlice<UInt8> {
        func isSpace(_ byte: UInt8) -> Bool { byte == 0x20 || byte == 0x09 || byte == 0x0d }
        let start = line.drop(while: isSpace)
        return start.prefix((start.lastIndex { !isSpace($0) } ?? start.startIndex - 1) - start.startIndex + 1)
    }
}
