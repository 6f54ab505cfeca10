import Foundation
import Model
import Testing

@testable import ModuleStore

/// Everything is held against OpenSSH's own `ssh-keygen`, in both directions.
@Suite("Signing", .enabled(if: SSHKeygen.isThere, "there is no ssh-keygen (openssh-client)"))
struct SigningTests {
    private let ssh = SSHKeygen()

    // MARK: Signatures

    @Test("a signature is, byte for byte, what ssh-keygen writes, and ssh-keygen takes it for this namespace alone")
    func signature() throws {
        let (path, key) = try ssh.key("publisher")
        #expect(try ssh.run("-lf", path).text.contains(" \(key.fingerprint) "))
        for length in [0, 1, 63, 64, 65, 1 << 20] {
            let bytes = (0..<length).map { UInt8(truncatingIfNeeded: $0 &* 7) }
            let file = try ssh.write("sums", bytes)
            let signature = key.signatureFile(of: bytes)
            #expect(signature == key.signatureFile(of: bytes))
            _ = try ssh.run("-Y", "sign", "-f", path, "-n", "etlx-version@1", file)
            #expect(try ssh.read("sums.sig") == signature)
            try FileManager.default.removeItem(atPath: "\(file).sig")
            let signers = try ssh.write("signers", "publisher \(ssh.publicKey(path))\n")
            #expect(try ssh.verify(bytes, signature, signers).status == 0)
            #expect(try ssh.verify(bytes, signature, signers, namespace: "file").status != 0)
            #expect(try ssh.verify(bytes + [0], signature, signers).status != 0)
        }
    }

    @Test("what ssh-keygen signs is taken, with both of its digests, and for these bytes and this namespace alone")
    func foreignSignature() throws {
        let (path, key) = try ssh.key("publisher")
        let bytes = Array("0a  croissant.json\n".utf8)
        func signed(_ words: String...) throws -> SSHSignature? {
            let file = try ssh.write("sums", bytes)
            defer { try? FileManager.default.removeItem(atPath: "\(file).sig") }
            _ = try ssh.run(["-Y", "sign", "-f", path] + words + [file])
            return SSHSignature(file: try ssh.read("sums.sig"))
        }
        for hash in ["sha256", "sha512"] {
            let signature = try #require(try signed("-n", "etlx-version@1", "-O", "hashalg=\(hash)"))
            #expect(signature.fingerprint == key.fingerprint)
            #expect(signature.isValid(for: bytes) && !signature.isValid(for: bytes + [0]))
        }
        #expect(try signed("-n", "file") == nil)
        #expect(try signed("-n", "etlx-version@10") == nil)
    }

    @Test("no byte of a signature can be changed, added or taken away")
    func flippedBytes() throws {
        let (_, key) = try ssh.key("publisher")
        let bytes = Array("0a  croissant.json\n".utf8)
        let file = key.signatureFile(of: bytes)
        func holds(_ file: [UInt8]) -> Bool {
            SSHSignature(file: file).map { $0.isValid(for: bytes) && $0.fingerprint == key.fingerprint } ?? false
        }
        #expect(holds(file))
        for index in file.indices {
            for bit in 0..<8 {
                var edited = file
                edited[index] ^= 1 << bit
                #expect(!holds(edited), "byte \(index), bit \(bit)")
            }
            #expect(!holds(Array(file[..<index])))
        }
        for more: [UInt8] in [[0x0a], [0x20], [0x0d, 0x0a]] { #expect(!holds(file + more)) }
    }

    // MARK: Private keys

    @Test("what is no Ed25519 key of OpenSSH, without passphrase and for its owner alone, is refused by name")
    func refusedKeys() throws {
        func refused(_ path: String) -> String {
            let error = #expect(throws: StoreError.self) { try SigningKey(path: path) }
            #expect(error?.code == .refused && error?.subject == path)
            return error?.detail ?? ""
        }
        let (path, _) = try ssh.key("good")
        #expect(refused("\(ssh.folder)/none").contains("cannot be read"))
        #expect(refused(ssh.folder).contains("no regular file"))
        for mode in [0o640, 0o604, 0o644, 0o660] {
            try FileManager.default.setAttributes([.posixPermissions: mode], ofItemAtPath: path)
            #expect(refused(path).contains("chmod 600"))
        }
        _ = try ssh.run("-q", "-t", "ed25519", "-N", "a passphrase", "-f", "\(ssh.folder)/encrypted")
        #expect(refused("\(ssh.folder)/encrypted").contains("encrypted"))
        for (type, name) in [("ecdsa", "ecdsa-sha2-nistp256"), ("rsa", "ssh-rsa")] {
            _ = try ssh.run("-q", "-t", type, "-N", "", "-f", "\(ssh.folder)/\(type)")
            #expect(refused("\(ssh.folder)/\(type)").contains("type \(name)"))
        }
        _ = try ssh.run("-q", "-t", "rsa", "-m", "PEM", "-N", "", "-f", "\(ssh.folder)/pem")
        #expect(refused("\(ssh.folder)/pem").contains("no private key of OpenSSH"))
        let shown = try ssh.write("public", ssh.publicKey(path))
        #expect(refused(shown).contains("no private key of OpenSSH"))
        let empty = try ssh.write("empty", "")
        #expect(refused(empty).contains("no private key of OpenSSH"))
        let long = try ssh.write("long", [UInt8](repeating: 0x0a, count: 17 << 10))
        #expect(refused(long).contains("too long"))
    }

    @Test("a key that is cut, or has a byte changed, is refused or is the same key")
    func damagedKeys() throws {
        let (path, key) = try ssh.key("good")
        let text = String(decoding: try ssh.read("good"), as: UTF8.self)
        for count in stride(from: 0, to: text.utf8.count - 2, by: 7) {
            let cut = try ssh.write("cut", String(text.prefix(count)))
            #expect(throws: StoreError.self) { try SigningKey(path: cut) }
        }
        let lines = text.split(separator: "\n").map(String.init)
        let blob = try #require(Data(base64Encoded: lines.dropFirst().dropLast().joined()))
        var same = 0
        for index in blob.indices {
            var edited = blob
            edited[index] ^= 0x41
            let file = try ssh.write(
                "edited",
                ([lines[0], edited.base64EncodedString(), lines[lines.count - 1], ""]).joined(separator: "\n"))
            // A comment may say anything.
            if let found = try? SigningKey(path: file) {
                same += 1
                #expect(found.fingerprint == key.fingerprint)
            }
        }
        #expect(same == "publisher of good".utf8.count)
        let crlf = try ssh.write("crlf", text.replacingOccurrences(of: "\n", with: "\r\n"))
        #expect(try SigningKey(path: crlf).fingerprint == key.fingerprint)
        #expect("\(key)" == "key \(key.fingerprint)")
        _ = path
    }

    // MARK: Signers

    @Test(
        "a file of signers means what it means to ssh-keygen",
        arguments: [
            "publisher KEY", "publisher KEY a comment", "\tpublisher \t KEY", "\"publisher\" KEY", "a,publisher KEY",
            "publisher namespaces=\"etlx-version@1\" KEY", "publisher namespaces=\"file,etlx-*\" KEY",
            "publisher namespaces=\"file,git\" KEY", "publisher namespaces=\"!etlx-version@1,*\" KEY",
            "publisher namespaces=\"etlx-version@?\" KEY", "publisher Namespaces=\"etlx-version@1\" KEY",
            "publisher valid-after=\"20200101Z\" KEY", "publisher valid-after=\"29990101Z\" KEY",
            "publisher valid-before=\"20200101Z\" KEY", "publisher valid-before=\"299901011200\" KEY",
            "publisher valid-after=\"20200101\",valid-before=\"20200102\" KEY",
            "publisher valid-after=\"20200101120000Z\",namespaces=\"etlx-version@1\" KEY",
            "# publisher KEY", "  # \"\npublisher KEY", "", "publisher OTHER", "publisher OTHER\npublisher KEY",
            "publisher OTHER\r\npublisher KEY\r", "publisher RSA",
            "publisher RSA\npublisher KEY", "KEY", "publisher", "publisher ssh-ed25519 AAAA",
            "publisher namespace=\"x\" KEY",
            "publisher namespaces=\"etlx-version@1 KEY",
            "publisher valid-after=\"20201301Z\" KEY", "publisher valid-after=\"soon\" KEY",
        ])
    func meaning(_ text: String) throws {
        let (path, key) = try ssh.key("publisher")
        let (other, _) = try ssh.key("other")
        var lines = text.replacingOccurrences(of: "KEY", with: try ssh.publicKey(path))
        lines = lines.replacingOccurrences(of: "OTHER", with: try ssh.publicKey(other))
        if lines.contains("RSA") {
            try ssh.run("-q", "-t", "rsa", "-N", "", "-f", "\(ssh.folder)/rsa")
            lines = lines.replacingOccurrences(of: "RSA", with: try ssh.publicKey("\(ssh.folder)/rsa"))
        }
        let file = try ssh.write("signers", lines + "\n")
        let bytes = Array("0a  croissant.json\n".utf8)
        let signature = key.signatureFile(of: bytes)
        let wanted = try ssh.verify(bytes, signature, file).status == 0
        let signers = try? AllowedSigners(path: file)
        let publicKey = try #require(SSHSignature(file: signature)?.publicKey)
        #expect(signers?.allow(publicKey, at: Int64(Date().timeIntervalSince1970)) ?? false == wanted)
    }

    @Test("what asks for more than is understood here is refused with its line, never passed over")
    func refusedSigners() throws {
        let (path, _) = try ssh.key("publisher")
        let key = try ssh.publicKey(path)
        for line in ["* cert-authority \(key)", "publisher no-touch-required \(key)", "publisher ssh-ed25519 AAAA"] {
            let error = #expect(throws: StoreError.self) {
                try AllowedSigners(text: "publisher \(key)\n\(line)\n", path: "signers")
            }
            #expect(error?.code == .refused && error?.detail.hasPrefix("line 2: ") == true)
        }
        #expect(throws: StoreError.self) { try AllowedSigners(text: "# nobody\n", path: "signers") }
        #expect(throws: StoreError.self) { try AllowedSigners(path: "\(ssh.folder)/none") }
    }

    // MARK: Versions

    private static let sums = ModuleLayout.sums

    private func signers(_ path: String) throws -> AllowedSigners {
        try AllowedSigners(text: "publisher \(ssh.publicKey(path))", path: "signers")
    }

    @Test("a store with a key signs what it publishes, names the key in the record, and gives the same bytes again")
    func publishing() throws {
        let (path, key) = try ssh.key("publisher")
        let fixture = Fixture()
        try Fixture.publishNew(fixture.store)
        let signing = fixture.store.signing(with: key)
        let attempt = try signing.beginAttempt(module: "clinic")
        let receipts = try fixture.stage(attempt)
        #expect(throws: Stopped.self) {
            try Fixture.publish(signing, attempt, receipts) { if $0 == .described { throw Stopped() } }
        }
        let run = "clinic/\(ModuleLayout.run(attempt))"
        let before = try fixture.files.read("\(run)/\(ModuleLayout.signature)")
        let record = try Fixture.publish(signing, attempt, receipts).record
        #expect(record.signedBy == key.fingerprint)
        #expect(try fixture.store.record(module: "clinic", version: 2) == record)
        #expect(try fixture.files.read("\(run)/\(ModuleLayout.signature)") == before)
        let unsigned = try fixture.store.recordBytes(module: "clinic", version: 1)
        #expect(!String(decoding: unsigned, as: UTF8.self).contains("signature"))
        let file = try ssh.write("signers", "publisher \(ssh.publicKey(path))")
        #expect(try ssh.verify(fixture.files.read("\(run)/\(Self.sums)"), before, file).status == 0)

        // Whoever verifies with signers wants every version signed by one of them.
        let signers = try signers(path)
        #expect(try fixture.store.verify(module: "clinic").findings == [])
        #expect(try fixture.store.verify(module: "clinic").signedBy == [2: key.fingerprint])
        #expect(try fixture.store.verify(module: "clinic", version: 2, signers: signers).findings == [])
        let findings = try fixture.store.verify(module: "clinic", signers: signers).findings
        #expect(findings.map(\.kind) == [.missing] && findings[0].path.hasSuffix(ModuleLayout.signature))
        try withdraw(fixture, 1)
        #expect(try fixture.store.verify(module: "clinic", signers: signers).findings == [])
        try withdraw(fixture, 2)
        #expect(try fixture.files.files(below: run) == [ModuleLayout.croissant])
        #expect(try fixture.store.verify(module: "clinic", signers: signers).findings == [])
    }

    private func withdraw(_ fixture: Fixture, _ version: Int) throws {
        try fixture.store.withdraw(
            module: "clinic", version: version, reason: "erasure", by: "dpo", at: "2026-12-01T00:00:00Z")
    }

    @Test("somebody who may write the store rewrites a version: verify agrees, and with signers it does not")
    func rewriting() throws {
        let (path, key) = try ssh.key("publisher")
        let (_, attackers) = try ssh.key("attacker")
        let signers = try signers(path)
        enum Way: CaseIterable { case leavesSignature, stripsSignature, signsAnew }
        for way in Way.allCases {
            let fixture = Fixture()
            try Fixture.publishNew(fixture.store.signing(with: key))
            #expect(try fixture.store.verify(module: "clinic", signers: signers).findings == [])
            var record = try fixture.store.record(module: "clinic", version: 1)
            let run = "clinic/\(ModuleLayout.run(record.attempt))"
            let part = "data/patients/part-00000.parquet"
            var bytes = try fixture.files.read("\(run)/\(part)")
            bytes[5] ^= 1
            try fixture.overwrite("\(run)/\(part)", bytes)
            let old = try #require(Sums(bytes: fixture.files.read("\(run)/\(Self.sums)")))
            let sums = Sums(
                old.lines.map {
                    $0.path == part ? Sums.Line(path: part, sha256: FileDigest.hexadecimal(bytes)) : $0
                }
            ).bytes
            try fixture.overwrite("\(run)/\(Self.sums)", sums)
            record.sums = FileDigest.hexadecimal(sums)
            switch way {
            case .leavesSignature: break
            case .stripsSignature:
                record.signedBy = nil
                try fixture.files.remove("\(run)/\(ModuleLayout.signature)")
            case .signsAnew:
                record.signedBy = attackers.fingerprint
                try fixture.overwrite("\(run)/\(ModuleLayout.signature)", attackers.signatureFile(of: sums))
            }
            try fixture.overwrite("clinic/\(ModuleLayout.commitRecord(version: 1))", record.bytesOfFile)
            let without = try fixture.store.verify(module: "clinic").findings
            #expect(without.isEmpty == (way != .leavesSignature), "\(way)")
            let findings = try fixture.store.verify(module: "clinic", signers: signers).findings
            #expect(findings.map(\.path) == ["\(run)/\(ModuleLayout.signature)"], "\(way)")
            #expect(findings.map(\.kind) == [way == .stripsSignature ? .missing : .changed], "\(way)")
        }
    }

    @Test("a signed version moved to another number, or a record that names another key, is found")
    func moved() throws {
        let (path, key) = try ssh.key("publisher")
        let fixture = Fixture()
        for _ in 0..<2 { try Fixture.publishNew(fixture.store.signing(with: key)) }
        let signers = try signers(path)
        let place = "clinic/\(ModuleLayout.commitRecord(version: 2))"
        let record = try fixture.store.record(module: "clinic", version: 2)
        var first = try fixture.store.record(module: "clinic", version: 1)
        first.version = 2
        first.parent = record.parent
        try fixture.overwrite(place, first.bytesOfFile)
        #expect(
            try fixture.store.verify(module: "clinic", version: 2, signers: signers).findings.map(\.path) == [place])
        var other = record
        other.signedBy = "SHA256:\(String(repeating: "A", count: 43))"
        try fixture.overwrite(place, other.bytesOfFile)
        #expect(try fixture.store.verify(module: "clinic", version: 2).findings.map(\.path) == [place])
    }

    @Test("one flipped byte in any file of a signed version is found and named, the signature's too")
    func flippedByte() throws {
        let (_, key) = try ssh.key("publisher")
        let fixture = Fixture()
        let record = try Fixture.publishNew(fixture.store.signing(with: key)).record
        let run = "clinic/\(ModuleLayout.run(record.attempt))"
        for file in try fixture.files.files(below: run) {
            let bytes = try fixture.files.read("\(run)/\(file)")
            for at in [0, bytes.count / 2, bytes.count - 1] {
                var edited = bytes
                edited[at] ^= 1
                try fixture.overwrite("\(run)/\(file)", edited)
                #expect(
                    try fixture.store.verify(module: "clinic").findings.contains { $0.path == "\(run)/\(file)" },
                    "\(file) at \(at)")
            }
            try fixture.overwrite("\(run)/\(file)", bytes)
        }
        try fixture.files.setMode(run, 0o755)
        try fixture.files.remove("\(run)/\(ModuleLayout.signature)")
        #expect(try fixture.store.verify(module: "clinic").findings.map(\.kind) == [.missing])
    }

    @Test("a signature without a record that names it is a file too many")
    func strayFile() throws {
        let (_, key) = try ssh.key("publisher")
        let fixture = Fixture()
        let record = try fixture.publishNew().record
        let run = "clinic/\(ModuleLayout.run(record.attempt))"
        let signature = key.signatureFile(of: try fixture.files.read("\(run)/\(Self.sums)"))
        try fixture.files.setMode(run, 0o755)
        try fixture.files.write("\(run)/\(ModuleLayout.signature)", signature)
        #expect(try fixture.store.verify(module: "clinic").findings.map(\.kind) == [.unexpected])
    }

    @Test("copying and pulling keep the signature; one that does not hold is not copied")
    func copying() throws {
        let (path, key) = try ssh.key("publisher")
        let fixture = Fixture()
        for _ in 0..<2 { try Fixture.publishNew(fixture.store.signing(with: key)) }
        let signers = try signers(path)
        let (copied, pulled) = (Fixture(), Fixture())
        _ = try fixture.store.copy(module: "clinic", to: copied.store)
        #expect(try copied.store.verify(module: "clinic", signers: signers).findings == [])
        try fixture.store.pull(module: "clinic", version: 2, into: pulled.store)
        #expect(try pulled.store.verify(module: "clinic", signers: signers).findings == [])
        #expect(try pulled.store.verify(module: "clinic").signedBy == [2: key.fingerprint])
        let record = try fixture.store.record(module: "clinic", version: 2)
        let file = "clinic/\(ModuleLayout.run(record.attempt))/\(ModuleLayout.signature)"
        try fixture.overwrite(file, key.signatureFile(of: [1]))
        let refused = Fixture()
        let error = #expect(throws: StoreError.self) {
            try fixture.store.pull(module: "clinic", version: 2, into: refused.store)
        }
        #expect(error?.code == .damaged && error?.subject == file)
        #expect(try refused.store.versions(module: "clinic") == [])
    }

    @Test("a run that lost its race, or is carried on with by another process, is signed all the same")
    func races() throws {
        let (path, key) = try ssh.key("publisher")
        let fixture = Fixture()
        let signing = fixture.store.signing(with: key)
        let attempt = try signing.beginAttempt(module: "clinic")
        let receipts = try fixture.stage(attempt)
        let other = try signing.beginAttempt(module: "clinic")
        let others = try fixture.stage(other)
        _ = try Fixture.publish(signing, attempt, receipts, policy: .rebase) { step in
            if step == .described, try fixture.store.versions(module: "clinic").isEmpty {
                _ = try Fixture.publish(signing, other, others)
            }
        }
        #expect(try fixture.store.verify(module: "clinic", signers: signers(path)).findings == [])
        #expect(try fixture.store.versions(module: "clinic") == [1, 2])
        // With another key it is another version, which it cannot become.
        let (_, second) = try ssh.key("second")
        let late = try signing.beginAttempt(module: "clinic")
        let lateReceipts = try fixture.stage(late)
        #expect(throws: Stopped.self) {
            try Fixture.publish(signing, late, lateReceipts) { if $0 == .described { throw Stopped() } }
        }
        let error = #expect(throws: StoreError.self) {
            try Fixture.publish(fixture.store.signing(with: second), late, lateReceipts)
        }
        #expect(error?.code == .conflict)
    }
}

/// OpenSSH's program in a folder of its own, gone with the test.
final class SSHKeygen {
    static let path = "/usr/bin/ssh-keygen"
    static var isThere: Bool { FileManager.default.isExecutableFile(atPath: path) }

    let folder = NSTemporaryDirectory() + "etlx-ssh-\(UUID().uuidString)"

    init() { try? FileManager.default.createDirectory(atPath: folder, withIntermediateDirectories: true) }
    deinit { try? FileManager.default.removeItem(atPath: folder) }

    struct Answer {
        let status: Int32
        let text: String
    }

    struct Failure: Error { let text: String }

    func key(_ name: String) throws -> (path: String, key: SigningKey) {
        let path = "\(folder)/\(name)"
        if !FileManager.default.fileExists(atPath: path) {
            _ = try run("-q", "-t", "ed25519", "-N", "", "-C", "publisher of \(name)", "-f", path)
        }
        return (path, try SigningKey(path: path))
    }

    /// `ssh-ed25519 AAAA…`, without the comment.
    func publicKey(_ path: String) throws -> String {
        try String(contentsOfFile: "\(path).pub", encoding: .utf8).split(separator: " ").prefix(2)
            .joined(separator: " ")
    }

    func write(_ name: String, _ bytes: [UInt8]) throws -> String {
        let path = "\(folder)/\(name)"
        try Data(bytes).write(to: URL(fileURLWithPath: path))
        try FileManager.default.setAttributes([.posixPermissions: 0o600], ofItemAtPath: path)
        return path
    }

    func write(_ name: String, _ text: String) throws -> String { try write(name, Array(text.utf8)) }

    func read(_ name: String) throws -> [UInt8] {
        [UInt8](try Data(contentsOf: URL(fileURLWithPath: "\(folder)/\(name)")))
    }

    func verify(_ bytes: [UInt8], _ signature: [UInt8], _ signers: String, namespace: String = "etlx-version@1") throws
        -> Answer
    {
        let file = try write("given.sig", signature)
        return try start(
            ["-Y", "verify", "-f", signers, "-I", "publisher", "-n", namespace, "-s", file],
            input: try write("given", bytes))
    }

    @discardableResult
    func run(_ words: String...) throws -> Answer { try run(words) }

    func run(_ words: [String]) throws -> Answer {
        let answer = try start(words, input: "/dev/null")
        guard answer.status == 0 else { throw Failure(text: answer.text) }
        return answer
    }

    private func start(_ words: [String], input: String) throws -> Answer {
        let process = Process()
        process.executableURL = URL(fileURLWithPath: Self.path)
        process.arguments = words
        process.standardInput = FileHandle(forReadingAtPath: input)
        let output = "\(folder)/.output"
        try Data().write(to: URL(fileURLWithPath: output))
        process.standardOutput = FileHandle(forWritingAtPath: output)
        process.standardError = FileHandle.nullDevice
        try process.run()
        process.waitUntilExit()
        return Answer(
            status: process.terminationStatus, text: try String(contentsOfFile: output, encoding: .utf8))
    }
}
