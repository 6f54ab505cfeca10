import Foundation
import Synchronization
import Testing

@testable import S3

@Suite(
    "against servers of others", .enabled(if: !S3TestServer.all.isEmpty, Comment(rawValue: S3TestServer.reasonToSkip)))
struct ServerTests {
    @Test("an object is put, seen, read and deleted", arguments: S3TestServer.all)
    func object(server: S3TestServer) throws {
        try server.withBucket(prefix: "modules/clinic") { client in
            #expect(try client.head("a/b.json") == nil)
            let bytes = Array("{\"a\":1}\n".utf8)
            let etag = try client.put("a/b.json", bytes)
            let info = try #require(try client.head("a/b.json"))
            #expect(info.byteCount == Int64(bytes.count))
            #expect(etag != nil && info.etag == etag)
            #expect(try client.get("a/b.json", limit: 100) == bytes)
            #expect(try client.get("a/b.json", range: 1..<3, limit: 100) == Array(bytes[1..<3]))
            #expect(throws: S3Error.self) { try client.get("a/b.json", limit: 3) }
            let listed = try client.list()
            #expect(listed.objects.map(\.key) == ["a/b.json"])
            #expect(listed.objects.map(\.byteCount) == [8])
            let date = try #require(client.serverDate)
            #expect(abs(date - listed.objects[0].lastModified) < 60_000)
            try client.deleteOne("a/b.json")
            try client.deleteOne("a/b.json")
            #expect(try client.head("a/b.json") == nil)
            #expect { try client.get("a/b.json", limit: 9) } throws: { ($0 as? S3Error)?.code == .notFound }
            #expect(try client.versioning() == .off)
        }
    }

    @Test("keys keep every byte on their way out and back", arguments: S3TestServer.all)
    func oddKeys(server: S3TestServer) throws {
        let keys = [
            "a b", "a+b", "a%20b", "a%2Fb", "100%", "tilde~", "quote\"'", "amp&lt;<>", "comma,;=:@$!*()[]{}|^`",
            "ünï/çødé",
            "日本語/キー", "e\u{301}", "q?x=1#y", "back\\slash", "double//slash", "trailing/",
        ]
        try server.withBucket(prefix: "odd") { client in
            for (index, key) in keys.enumerated() { try client.put(key, Array("\(index)".utf8)) }
            for (index, key) in keys.enumerated() {
                #expect(try client.get(key, limit: 9) == Array("\(index)".utf8), "\(key)")
            }
            let listed = try client.list().objects.map { Array($0.key.utf8) }
            #expect(Set(listed) == Set(keys.map { Array($0.utf8) }))
            #expect(try client.delete(keys) == [])
            #expect(try client.list().objects.isEmpty)
        }
    }

    @Test("a listing goes on over its pages", arguments: S3TestServer.all)
    func pages(server: S3TestServer) throws {
        try server.withBucket(prefix: "many") { client in
            let keys = (0..<3000).map { "\($0 % 3)/\(String(format: "%05d", $0))" }.sorted()
            try inParallel(keys) { try client.put($0, [1]) }
            #expect(try client.list().objects.map(\.key) == keys)
            #expect(try client.list("1/").objects.count == 1000)
            let grouped = try client.list(delimiter: "/")
            #expect(grouped.commonPrefixes == ["0/", "1/", "2/"] && grouped.objects.isEmpty)
            #expect(try client.delete(keys + ["not there"]) == [])
            #expect(try client.list() == S3Listing())
        }
    }

    @Test("of many that create one object, one does", arguments: S3TestServer.all)
    func race(server: S3TestServer) throws {
        try server.withBucket { client in
            for round in 0..<3 {
                let outcomes = Mutex<[S3Creation]>([])
                // A client each: connections of their own, through all the endpoints.
                let ways = client.location.throughEachEndpoint
                try inParallel(Array(0..<16), threads: 16) { index in
                    let one = server.client(ways[index % ways.count])
                    var outcome = try one.putIfAbsent("race-\(round)", Array("writer \(index)".utf8))
                    while case .unknown = outcome {
                        outcome = try one.putIfAbsent("race-\(round)", Array("writer \(index)".utf8))
                    }
                    outcomes.withLock { $0.append(outcome) }
                }
                let all = outcomes.withLock { $0 }
                #expect(all.filter { $0 == .created }.count == 1)
                #expect(all.filter { $0 == .exists }.count == 15)
            }
        }
    }
}

private final class SharedByThreads: Sendable {
    let next = Mutex(0)
    let failure = Mutex<(any Error)?>(nil)
    let done = DispatchSemaphore(value: 0)
}

/// Calls `body` for each item on several threads; throws what the first of them threw.
func inParallel<Item: Sendable>(_ items: [Item], threads: Int = 8, _ body: @escaping @Sendable (Item) throws -> Void)
    throws
{
    let shared = SharedByThreads()
    for _ in 0..<threads {
        let thread = Thread {
            defer { shared.done.signal() }
            while true {
                let index = shared.next.withLock { next in
                    defer { next += 1 }
                    return next
                }
                guard index < items.count else { return }
                do {
                    try body(items[index])
                } catch {
                    shared.failure.withLock { $0 = $0 ?? error }
                    return
                }
            }
        }
        thread.start()
    }
    for _ in 0..<threads { shared.done.wait() }
    if let failure = shared.failure.withLock({ $0 }) { throw failure }
}
