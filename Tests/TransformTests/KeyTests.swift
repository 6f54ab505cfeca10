import Foundation
import Model
import Secrets
import Testing

@testable import Transform

@Suite("keys") struct KeyTests {
    let folder: String

    init() throws {
        folder = NSTemporaryDirectory() + "etl-keys-" + UUID().uuidString
        try FileManager.default.createDirectory(atPath: folder, withIntermediateDirectories: true)
    }

    private func write(_ content: [UInt8], mode: Int = 0o600) throws -> String {
        let path = "\(folder)/\(UUID().uuidString).key"
        #expect(
            FileManager.default.createFile(atPath: path, contents: Data(content), attributes: [.posixPermissions: mode])
        )
        try FileManager.default.setAttributes([.posixPermissions: mode], ofItemAtPath: path)
        return path
    }

    private func code(_ path: String) -> KeyError.Code? {
        do throws(KeyError) {
            _ = try KeyFile.read(path, name: "k")
            return nil
        } catch { return error.code }
    }

    @Test("a new key is 0600, is never overwritten, and reads back")
    func create() throws {
        let path = "\(folder)/new.key"
        try KeyFile.create(path)
        let mode = try FileManager.default.attributesOfItem(atPath: path)[.posixPermissions] as? Int
        #expect(mode == 0o600)
        let key = try KeyFile.read(path, name: "people")
        #expect(key.description == "key people")
        #expect("\(key)" == "key people")
        #expect(key.checkValue.count == 16)
        #expect(throws: KeyError(.exists, path: path, systemCode: 17)) { try KeyFile.create(path) }
        let other = "\(folder)/other.key"
        try KeyFile.create(other)
        #expect(try KeyFile.read(other, name: "people").checkValue != key.checkValue)
    }

    @Test("raw and base64 forms of one key are one key")
    func forms() throws {
        let raw = try KeyFile.read(write(Fixture.keyBytes), name: "k").checkValue
        let base64 = Data(Fixture.keyBytes).base64EncodedString()
        for text in [base64, base64 + "\n", base64 + "\r\n", String(base64.dropLast())] {
            #expect(try KeyFile.read(write(Array(text.utf8)), name: "k").checkValue == raw)
        }
        #expect(MaskingKey(name: "k", bytes: Fixture.keyBytes).checkValue == raw)
        // hmac(hkdf(00 01 … 1f, info "etl-express/1/check"), ""), by Python's hmac.
        #expect(raw == "2f57030e01505ba7")
    }

    @Test("what is no key, or open to others, is refused by name and never shown")
    func refusals() throws {
        #expect(code("\(folder)/absent.key") == .missing)
        #expect(code(folder) == .unreadable)
        let others = [0o640, 0o604, 0o660, 0o620].map { try? write(Fixture.keyBytes, mode: $0) }
        for path in others { #expect(code(path ?? "") == .openToOthers) }
        #expect(KeyError(.openToOthers, path: "p").remedy.contains("chmod 600"))
        let secret = "ThisIsNotAKeyButSecretAllTheSame"
        for content in [
            [], [1, 2, 3], Array(secret.utf8) + [10], [UInt8](repeating: 7, count: 32),
            [UInt8](repeating: 7, count: 64),
            Array((Data(Fixture.keyBytes).base64EncodedString() + "AAAA").utf8),
            Array((String(Data(Fixture.keyBytes).base64EncodedString().dropLast(2)) + "9=").utf8),
        ] {
            let path = try write(content)
            do throws(KeyError) {
                _ = try KeyFile.read(path, name: "k")
                Issue.record("a file of \(content.count) bytes was taken for a key")
            } catch {
                #expect(error.code == .malformed)
                #expect(!error.description.contains(secret))
            }
        }
    }

    @Test("a ring names every key that cannot be read, at its place")
    func ring() throws {
        let good = try write(Fixture.keyBytes)
        var problems = ProblemList(file: "clinic.yaml")
        let specs = [
            KeySpec(name: "good", position: Position(line: 3, column: 1), path: good),
            KeySpec(name: "bad", position: Position(line: 4, column: 1), path: "absent.key"),
        ]
        #expect(KeyRing.read(specs, baseDirectory: folder, into: &problems) == nil)
        #expect(problems.problems.count == 1)
        #expect(problems.problems[0].description.contains("clinic.yaml:4:1"))
        var none = ProblemList(file: nil)
        let ring = try #require(KeyRing.read([specs[0]], baseDirectory: "/", into: &none))
        #expect(ring.identities.map(\.name) == ["good"])
    }

    @Test("what a placeholder of a key's file stands for is never told: it may be the key")
    func placeholder() throws {
        let secret = Data(Fixture.keyBytes).base64EncodedString()
        for path in ["\(folder)/\(secret)", try write([1, 2, 3])] {
            var problems = ProblemList(file: "clinic.yaml")
            let spec = KeySpec(
                name: "k", position: Position(line: 4, column: 1), path: path, written: "${file:people.key}")
            #expect(KeyRing.read([spec], baseDirectory: folder, into: &problems) == nil)
            let told = problems.problems.map(\.description).joined()
            #expect(told.contains("${file:people.key}") && !told.contains(secret) && !told.contains(path))
        }
    }

    @Test(
        "derived keys are HKDF-SHA-256 with an empty salt (Wycheproof)",
        .enabled(if: Shared.folder != nil, "the shared test data is not here"))
    func hkdf() throws {
        let shared = try #require(Shared.folder)
        let data = try Data(contentsOf: URL(fileURLWithPath: "\(shared)/vectors/wycheproof/hkdf_sha256_test.json"))
        let file = try #require(JSONSerialization.jsonObject(with: data) as? [String: Any])
        var count = 0
        for group in file["testGroups"] as? [[String: Any]] ?? [] {
            for test in group["tests"] as? [[String: Any]] ?? [] {
                guard let ikm = (test["ikm"] as? String)?.bytes, ikm.count == 32, test["salt"] as? String == "",
                    let info = (test["info"] as? String)?.bytes, let size = test["size"] as? Int, size >= 1, size <= 32,
                    test["result"] as? String == "valid", let okm = test["okm"] as? String
                else { continue }
                let derived = MaskingKey(name: "k", bytes: ikm).expanded(info: info)
                #expect(derived.hexadecimal.hasPrefix(okm))
                count += 1
            }
        }
        print("HKDF: \(count) vectors with 32 byte keys, no salt and at most 32 bytes of output")
    }

    @Test("scopes are of a kind that no two purposes share an info text")
    func scopes() {
        for good in ["a", "patient.id_2-x", String(repeating: "x", count: 64)] { #expect(KeyPurpose.isScope(good)) }
        for bad in ["", "a/b", "a b", "é", String(repeating: "x", count: 65), "a\n"] {
            #expect(!KeyPurpose.isScope(bad))
        }
    }
}

enum Shared {
    /// The folder of shared test data, or nil where it is not.
    static let folder: String? = {
        let own = #filePath.split(separator: "/").dropLast(3).joined(separator: "/")
        let path = ProcessInfo.processInfo.environment["ETL_SHARED"] ?? "/\(own)/../shared"
        return FileManager.default.fileExists(atPath: path) ? path : nil
    }()
}

extension String {
    /// Hexadecimal digits as bytes.
    var bytes: [UInt8] {
        var result: [UInt8] = []
        var rest = self[...]
        while rest.count >= 2 {
            result.append(UInt8(rest.prefix(2), radix: 16) ?? 0)
            rest = rest.dropFirst(2)
        }
        return result
    }
}

extension MaskingKey {
    /// HKDF's output under any info, for comparison with test vectors.
    func expanded(info: [UInt8]) -> [UInt8] {
        let bytes = unsafe WipedBytes(byteCount: 32) { unsafe expand(info: info, into: $0) }
        return unsafe bytes.withBytes { unsafe Array($0) }
    }
}
