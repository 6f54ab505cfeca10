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
        let all = Admission(tokens: [.worker: tokens, .keeper: tokens], accounts: accounts)
        for role in [Join.Role.worker, .keeper] {
            #expect(all.admits(Self.first, role: role) == nil && all.admits(dotted, role: role) == nil)
            #expect(all.admits("another-token-of-letters", role: role)?.code == .unknownToken)
            #expect(all.admits(expired, role: role)?.code == (role == .worker ? .expired : .subject))
            #expect(Admission().admits(Self.first, role: role)?.code == .unknownToken)
            #expect(Admission().admits("", role: role) != nil)
        }
        #expect(all.admits(Self.first, role: nil) != nil, "a join token is no operator's")
        #expect(all.admits(signed, role: .worker) == nil)
        #expect(Admission(accounts: accounts).admits(signed, role: .keeper)?.code == .subject)
        #expect(Admission(accounts: accounts).admits(Self.first, role: .worker)?.code == .unknownToken)
        #expect(Admission(tokens: [.worker: tokens]).admits(signed, role: .worker)?.code == .unknownToken)
    }

    @Test("a token admits to the one role whose file it stands in, and stands in no other's")
    func roles() throws {
        let (workers, keepers) = (try File(Self.first), try File(Self.second))
        let ofWorkers = try JoinTokens(path: workers.path)
        let ofKeepers = try JoinTokens(path: keepers.path, apartFrom: [ofWorkers])
        let admission = Admission(tokens: [.worker: ofWorkers, .keeper: ofKeepers])
        #expect(admission.admits(Self.first, role: .worker) == nil)
        #expect(admission.admits(Self.first, role: .keeper)?.code == .unknownToken)
        #expect(admission.admits(Self.second, role: .keeper) == nil)
        #expect(admission.admits(Self.second, role: .worker)?.code == .unknownToken)
        // At the start, and when the file is changed later.
        let both = try File("\(Self.second)\n\(Self.first)\n")
        #expect(throws: JoinTokens.FileError.self) { try JoinTokens(path: both.path, apartFrom: [ofWorkers]) }
        try keepers.write("\(Self.second)\n\(Self.first)\n", mode: 0o600)
        #expect(admission.admits(Self.first, role: .keeper) != nil)
        #expect(admission.admits(Self.second, role: .keeper)?.code == .unavailable)
    }

    @Test("whoever has the workers' token can make no keeper's credential")
    func credentials() {
        let cluster = NodeCredential(worker: Array(Self.first.utf8), keeper: Array(Self.second.utf8))
        let guess = NodeCredential(secret: Array(Self.first.utf8))
        #expect(cluster.isOf("worker-1", guess.text(for: "worker-1")))
        #expect(!cluster.isOf("keeper-1", guess.text(for: "keeper-1")))
        #expect(!cluster.isOf("keeper-1", cluster.text(for: "worker-1")))
        for name in ["operator-1", "", "keeper", "Keeper-1"] { #expect(!cluster.isOf(name, cluster.text(for: name))) }
    }
}
