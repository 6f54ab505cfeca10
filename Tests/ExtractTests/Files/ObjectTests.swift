import Foundation
import Model
import TestKit
import Testing

@testable import Extract
@testable import S3

@Suite("objects of a source")
struct ObjectTests {
    private static let servers = [S3TestServer.shared, S3TestServer.moto].compactMap { $0 }

    private func error(_ body: () throws -> Void) -> ExtractError? {
        do { try body() } catch { return error as? ExtractError }
        return nil
    }

    private func readAll(_ reader: any ByteSource, block: Int = 700) throws -> [UInt8] {
        var bytes: [UInt8] = []
        var memory = [UInt8](repeating: 0, count: block)
        while true {
            let count = try unsafe memory.withUnsafeMutableBytes { unsafe try reader.read(into: $0) }
            if count == 0 { return bytes }
            bytes += memory[..<count]
        }
    }

    /// A bucket of the test's own, seen as a source and as the program that fills it.
    private struct Bucket {
        let files: BucketFiles
        let client: S3Client

        func put(_ key: String, _ bytes: [UInt8]) throws { try client.put(key, bytes) }
    }

    private func bucket(
        _ server: S3TestServer, name: String? = nil, endpoint: String? = nil, secret: String = "testing",
        tries: Int = 6, rangeByteCount: Int = 1000
    ) throws -> Bucket {
        let name = try name ?? server.makeBucket()
        var environment = S3TestServer.environment
        let client = S3Client(
            try S3Location(bucket: name, region: "us-east-1", endpoints: [server.endpoints[0]]),
            credentials: CredentialsChain(environment: environment, region: "us-east-1"))
        environment["AWS_SECRET_ACCESS_KEY"] = secret
        let files = try BucketFiles(
            bucket: name, connection: S3ConnectionSpec(endpoints: [endpoint ?? server.endpoints[0]]), source: "labs",
            environment: environment, retries: S3Retries(tries: tries, firstPause: .milliseconds(10)),
            rangeByteCount: rangeByteCount)
        return Bucket(files: files, client: client)
    }

    private static func noise(_ count: Int, seed: UInt64) -> [UInt8] {
        var state = seed
        return (0..<count).map { _ in
            state = state &* 6_364_136_223_846_793_005 &+ 1_442_695_040_888_963_407
            return UInt8(truncatingIfNeeded: state >> 33)
        }
    }

    // MARK: Without a server

    @Test("a pattern of keys means what the same pattern of paths means")
    func samePatterns() throws {
        let names = [
            "B.csv", "a.csv", "a[1].csv", "a1.csv", "a10.csv", "b.csv.gz", ".hidden.csv", "é.csv", "x y+z%.csv",
            "a*.csv",
            "one/a.csv", "one/b.csv", "two/a.csv", "two/deep/a.csv", ".dot/a.csv", "back\\slash.csv", "e\u{301}.csv",
        ]
        let folder = NSTemporaryDirectory() + "etl-keys-\(UUID().uuidString)"
        defer { try? FileManager.default.removeItem(atPath: folder) }
        for name in names {
            let url = URL(fileURLWithPath: "\(folder)/\(name)")
            try FileManager.default.createDirectory(
                at: url.deletingLastPathComponent(), withIntermediateDirectories: true)
            try Data("x".utf8).write(to: url)
        }
        func list(_ prefix: String) -> S3Listing {
            var listing = S3Listing()
            for name in names where name.utf8.starts(with: prefix.utf8) {
                let rest = name.utf8.dropFirst(prefix.utf8.count)
                if let slash = rest.firstIndex(of: UInt8(ascii: "/")) {
                    let folder = String(decoding: name.utf8[...slash], as: UTF8.self)
                    if !listing.commonPrefixes.contains(folder) { listing.commonPrefixes.append(folder) }
                } else {
                    listing.objects.append(S3Object(key: name, byteCount: 1, lastModified: 0))
                }
            }
            return listing
        }
        for pattern in [
            "*.csv", "?.csv", "a?.csv", "a[[]1].csv", "a\\*.csv", "[!a]*.csv", "*/a.csv", "[ot]*/*.csv", ".d*/a.csv",
            ".h*", "*.csv.*", "two/*/a.csv", "*/*/a.csv", "one/[ab].csv", "b*", "none*", "*x y*", "??.csv", "*é*",
            "back\\\\s*", "o*e/b.csv", "a[.csv",
        ] {
            let local = try? FileList(pattern: pattern, folder: folder, source: "labs").files.map(\.path)
            let keys = try ObjectPattern(pattern).keys { (prefix) throws(ExtractError) in list(prefix) }
                .sorted { $0.utf8.lexicographicallyPrecedes($1.utf8) }
            #expect(keys.map { Array($0.utf8) } == (local ?? []).map { Array($0.utf8) }, "\(pattern)")
        }
    }

    @Test("only what a pattern can match is listed")
    func listed() throws {
        var asked: [String] = []
        _ = try ObjectPattern("labs/2026-*/day\\[*.csv").keys { (prefix) throws(ExtractError) in
            asked.append(prefix)
            var listing = S3Listing()
            if asked.count == 1 { listing.commonPrefixes = ["labs/2026-01/", "labs/2026-02/"] }
            return listing
        }
        #expect(asked == ["labs/2026-", "labs/2026-01/day[", "labs/2026-02/day["])
    }

    @Test("a server that is not there, and settings that cannot be, are told without credentials")
    func unreachable() throws {
        let environment = ["AWS_ACCESS_KEY_ID": "AKIAHUNTER", "AWS_SECRET_ACCESS_KEY": "hunter2canary"]
        let files = try BucketFiles(
            bucket: "data", connection: S3ConnectionSpec(endpoints: ["http://127.0.0.1:9"]), source: "labs",
            environment: environment, retries: S3Retries(tries: 2, firstPause: .milliseconds(10)))
        let found = try #require(error { _ = try files.list("a.csv") })
        #expect(found.code == .unreachable && found.disposition == .retry)
        #expect(found.source == "labs" && found.subject == "s3://data/a.csv")
        let wrong = try #require(
            error {
                _ = try BucketFiles(
                    bucket: "data", connection: S3ConnectionSpec(endpoints: ["http://me:hunter2canary@host"]),
                    source: "labs", environment: environment)
            })
        #expect(wrong.disposition == .failRun && wrong.subject == "s3://data")
        for error in [found, wrong] { #expect(!"\(error)".lowercased().contains("hunter")) }
    }

    // MARK: With one

    @Test("objects are found by patterns and read by ranges", arguments: servers)
    func reading(server: S3TestServer) throws {
        let bucket = try bucket(server)
        let bytes = Self.noise(3500, seed: 7)
        for key in ["labs/b.csv", "labs/a.csv", "labs/x y+ü%.csv", "labs/deep/c.csv", "labs/a*.csv", "labs/.h.csv"] {
            try bucket.put(key, key.hasSuffix("b.csv") ? bytes : Array(key.utf8))
        }
        try bucket.put("labs/", [])
        try bucket.put("labs/empty.csv", [])
        let name = bucket.client.location.bucket
        func paths(_ pattern: String) throws -> [String] { try bucket.files.list(pattern).map(\.path) }
        #expect(
            try paths("labs/*.csv")
                == ["a*.csv", "a.csv", "b.csv", "empty.csv", "x y+ü%.csv"].map { "s3://\(name)/labs/\($0)" })
        #expect(try paths("labs/a*.csv") == ["s3://\(name)/labs/a*.csv"], "a key that is the pattern is that key")
        #expect(try paths("l*s/?.csv") == ["s3://\(name)/labs/a.csv", "s3://\(name)/labs/b.csv"])
        #expect(try paths("*/*/c.csv") == ["s3://\(name)/labs/deep/c.csv"])
        #expect(try readAll(bucket.files.open(bucket.files.list("labs/empty.csv")[0], range: nil, observe: nil)) == [])

        let file = try #require(try bucket.files.list("labs/b.csv").first)
        #expect(file.byteCount == 3500 && file.etag != nil)
        var seen: [UInt8] = []
        let whole = try bucket.files.open(file, range: nil) { unsafe seen += $0 }
        #expect(try readAll(whole) == bytes)
        #expect(seen == bytes)
        for range in [0..<1, 999..<1001, 1000..<2000, 3000..<3500, 3499..<3500, 3500..<3500, 5..<5] as [Range<Int64>] {
            let part = try readAll(bucket.files.open(file, range: range, observe: nil))
            #expect(part == Array(bytes[Int(range.lowerBound)..<Int(range.upperBound)]), "\(range)")
        }
    }

    @Test("an object that was replaced, even by one of its size, or is gone, is an error", arguments: servers)
    func changed(server: S3TestServer) throws {
        let bucket = try bucket(server)
        for replacement in [Self.noise(2500, seed: 2), Self.noise(100, seed: 2), Self.noise(9000, seed: 2), []] {
            try bucket.put("a.csv", Self.noise(2500, seed: 1))
            let file = try bucket.files.list("a.csv")[0]
            let begun = try bucket.files.open(file, range: nil, observe: nil)
            var memory = [UInt8](repeating: 0, count: 1000)
            #expect(try unsafe memory.withUnsafeMutableBytes { unsafe try begun.read(into: $0) } == 1000)
            try bucket.put("a.csv", replacement)
            let between = try #require(error { _ = try readAll(begun) })
            #expect(between.code == .unreadable && between.disposition == .failRun)
            #expect(between.reason == "the object has changed since it was planned")
            let later = error { _ = try readAll(bucket.files.open(file, range: 2000..<2500, observe: nil)) }
            #expect(later == between || later?.reason == between.reason)
            if replacement.isEmpty {
                try bucket.client.deleteOne("a.csv")
                let gone = error { _ = try readAll(bucket.files.open(file, range: nil, observe: nil)) }
                #expect(gone?.code == .notFound || gone?.code == .unreadable)
                #expect(gone?.disposition == .failRun)
            }
        }
    }

    @Test("a server that passes over conditions is found out", arguments: servers)
    func unconditional(server: S3TestServer) throws {
        try server.withProxy(["--strip", "If-Match"]) { endpoint in
            let bucket = try bucket(server, endpoint: endpoint)
            try bucket.put("a.csv", Self.noise(2500, seed: 1))
            let file = try bucket.files.list("a.csv")[0]
            // A server that signs for what it got refuses the falsified request: nothing is read either way.
            try bucket.put("a.csv", Self.noise(2500, seed: 2))
            #expect(error { _ = try readAll(bucket.files.open(file, range: nil, observe: nil)) } != nil)
        }
    }

    @Test("requests and answers that are lost do not change what is read", arguments: servers)
    func lossy(server: S3TestServer) throws {
        let bytes = Self.noise(20_000, seed: 3)
        let name = try server.makeBucket()
        try bucket(server, name: name).put("a.csv", bytes)
        try server.withProxy(["--lose-answers", "0.3", "--lose-requests", "0.2", "--seed", "5"]) { endpoint in
            let bucket = try bucket(server, name: name, endpoint: endpoint, tries: 20)
            let file = try bucket.files.list("*.csv")[0]
            #expect(try readAll(bucket.files.open(file, range: nil, observe: nil)) == bytes)
        }
    }

    @Test("no match, no bucket, a folder and no permission are errors that name the path", arguments: servers)
    func mistakes(server: S3TestServer) throws {
        let bucket = try bucket(server)
        try bucket.put("labs/a.csv", [1])
        let name = bucket.client.location.bucket
        for pattern in ["labs/*.txt", "labs/b.csv", "none/*.csv", "labs/a.csv/*", "l?b/*"] {
            let found = error { _ = try bucket.files.list(pattern) }
            #expect(found?.code == .notFound && found?.reason == "no object matches")
            #expect(found?.subject == "s3://\(name)/\(pattern)")
        }
        let folder = error { _ = try bucket.files.list("labs") }
        #expect(folder?.code == .unreadable && folder?.reason == "is a folder, not an object")
        let absent = try self.bucket(server, name: "etl-no-such-bucket")
        for pattern in ["a.csv", "*.csv"] {
            let found = error { _ = try absent.files.list(pattern) }
            #expect(found?.code == .notFound && found?.foreignCode == "NoSuchBucket", "\(String(describing: found))")
        }
    }

    @Test(
        "a server that does not take the credentials is told as that",
        .enabled(if: S3TestServer.shared != nil, Comment(rawValue: S3TestServer.reasonToSkip)))
    func refused() throws {
        let server = try #require(S3TestServer.shared)
        let bucket = try bucket(server, secret: "hunter2canary")
        for pattern in ["a.csv", "*.csv"] {
            let found = try #require(error { _ = try bucket.files.list(pattern) })
            #expect(found.code == .notPermitted && found.disposition == .failRun)
            #expect(!"\(found)".contains("hunter2canary") && !"\(found)".contains("testing"))
        }
    }
}
