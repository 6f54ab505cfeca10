import Foundation
import Model
import Testing

@testable import Cluster

@Suite("Join tokens")
struct JoinTokenTests {
    /// A file of tokens that goes when the test ends.
    final class File {
        let path = FileManager.default.temporaryDirectory.appending(path: "tokens-\(UUID().uuidString)").path

        init(_ text: String, mode: mode_t = 0o600) throws { try write(text, mode: mode) }
        deinit { unsafe unlink(path) }

        func write(_ text: String, mode: mode_t = 0o600) throws {
            try Data(text.utf8).write(to: URL(fileURLWithPath: path), options: .atomic)
            unsafe chmod(path, mode)
        }
    }

    static let first = "first-token-of-many-letters"
    static let second = "second-token-of-more-letters"

    @Test("each token of the file admits, comments and everything else do not")
    func admits() throws {
        let file = try File("# the first\n  \(Self.first)\r\n\n\t\(Self.second) \n#not-a-token-of-many")
        let tokens = try JoinTokens(path: file.path)
        #expect(tokens.admits(Self.first) == nil && tokens.admits(Self.second) == nil)
        for other in [
            "", "#not-a-token-of-many", "not-a-token-of-many", Self.first + " ", String(Self.first.dropLast()),
            "# the first",
        ] {
            #expect(tokens.admits(other)?.code == .unknownToken)
        }
        #expect(!"\(tokens)".contains(Self.first))
        var dumped = ""
        dump(tokens, to: &dumped)
        #expect(!dumped.contains(Self.first), "the text is not even kept")
    }

    @Test("files that others can read, without tokens or with bad ones are refused, by line and never by text")
    func badFiles() throws {
        for (text, mode) in [
            (Self.first, 0o644), (Self.first, 0o604), ("", 0o600), ("# nothing\n", 0o600),
            ("\(Self.first)\nfifteen-letters\n", 0o600),
            ("\(Self.first) \(Self.second)\n", 0o600), ("tökens-of-many-letters\n", 0o600),
        ] as [(String, mode_t)] {
            let file = try File(text, mode: mode)
            let error = #expect(throws: JoinTokens.FileError.self) { try JoinTokens(path: file.path) }
            #expect(error.map { $0.reason.contains(file.path) && !$0.reason.contains("letters") } == true)
        }
        #expect(throws: JoinTokens.FileError.self) { try JoinTokens(path: "/nowhere/at/all") }
    }

    @Test("sixteen characters are enough")
    func shortest() throws {
        let file = try File("0123456789abcdef")
        #expect(try JoinTokens(path: file.path).admits("0123456789abcdef") == nil)
    }

    @Test("tokens are replaced without a restart, and a file of no use admits nobody until it is of use again")
    func rotation() throws {
        let file = try File(Self.first)
        let tokens = try JoinTokens(path: file.path)
        try file.write("\(Self.first)\n\(Self.second)\n")
        #expect(tokens.admits(Self.first) == nil && tokens.admits(Self.second) == nil)
        try file.write(Self.second)
        #expect(tokens.admits(Self.first)?.code == .unknownToken && tokens.admits(Self.second) == nil)
        try file.write(Self.second, mode: 0o644)
        #expect(tokens.admits(Self.second)?.code == .unavailable)
        unsafe chmod(file.path, 0o600)
        #expect(tokens.admits(Self.second) == nil)
        unsafe unlink(file.path)
        #expect(tokens.admits(Self.second)?.code == .unavailable)
    }

    @Test("admission takes either kind, and with neither nobody")
    func both() throws {
        let issuer = try ServiceAccountTests.Issuer()
        let dotted = "token.with.dots-and-letters"
        let file = try File("\(Self.first)\n\(dotted)\n")
        let tokens = try JoinTokens(path: file.path)
        let accounts = try issuer.tokens()
        let signed = issuer.curve.token(ServiceAccountTests.claims())
        let expired = issuer.curve.token(ServiceAccountTests.claims(times: #""exp":1"#))
        let all = Admission(tokens: tokens, accounts: accounts)
        for role in [Join.Role.worker, .keeper, nil] {
            #expect(all.admits(Self.first, role: role) == nil && all.admits(dotted, role: role) == nil)
            #expect(all.admits("another-token-of-letters", role: role)?.code == .unknownToken)
            #expect(all.admits(expired, role: .worker)?.code == .expired)
            #expect(Admission().admits(Self.first, role: role)?.code == .unknownToken)
            #expect(Admission().admits("", role: role) != nil)
        }
        #expect(all.admits(signed, role: .worker) == nil)
        #expect(Admission(accounts: accounts).admits(signed, role: .keeper) == nil)
        #expect(Admission(accounts: accounts).admits(Self.first, role: .worker)?.code == .unknownToken)
        #expect(Admission(tokens: tokens).admits(signed, role: .worker)?.code == .unknownToken)
    }
}
