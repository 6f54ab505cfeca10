import Foundation
import Model
import Testing

@testable import Cluster

@Suite("What is often on the wire")
struct WireTextTests {
    private static let receipt = PartReceipt(
        table: "visits", shard: 3, epoch: 2, stagedPath: "_staging/a/b", byteCount: 9, sha256: "0a",
        rows: RowAccount(read: 2, published: 2),
        rules: [RuleCount(column: "é", step: 1, rowsIn: 2), RuleCount(column: "c", step: 0, nulled: -1)], handle: "h")

    private static let calls: [Request] = [
        .poll, .heartbeat(tasks: [], holding: []),
        .heartbeat(
            tasks: [TaskProgress(token: .max, rows: 0, bytes: .min + 1), TaskProgress(token: 1, rows: 2, bytes: 3)],
            holding: ["r", "é"]),
        .complete(run: "r", token: 5, result: .part(receipt)),
    ]

    private static func body(_ call: Call) throws -> [UInt8] {
        Array(try WireFormat.frame(call, id: .random())[WireFormat.headerByteCount...])
    }

    private static func scanned(_ bytes: [UInt8]) -> Call? { Call(scanning: bytes, in: 0..<bytes.count) }

    @Test("frequent requests are read the short way, in any order of names and with any white space")
    func scanning() throws {
        for request in Self.calls {
            for trace in [nil, "00-1"] {
                let call = Call(node: "worker-1", credential: "k", trace: trace, request: request)
                let body = try Self.body(call)
                #expect(Self.scanned(body) == call)
                let tree = try JSONSerialization.jsonObject(with: Data(body))
                let loose = try JSONSerialization.data(
                    withJSONObject: tree, options: [.prettyPrinted, .withoutEscapingSlashes])
                #expect(Self.scanned([UInt8](loose)) == call)
            }
        }
    }

    @Test("what the short way takes is what the long way reads; damage is never taken")
    func damage() throws {
        var random = SystemRandomNumberGenerator()
        var taken = 0
        for request in Self.calls {
            let body = try Self.body(Call(node: "n", credential: "k", request: request))
            for index in body.indices {
                for byte in [
                    UInt8(ascii: "\""), UInt8(ascii: "0"), UInt8(ascii: "}"), UInt8(ascii: "-"), 0x20, 0x5c, 0xc3, 0,
                    .random(in: 0...255, using: &random),
                ] {
                    var changed = body
                    changed[index] = byte
                    guard let call = Self.scanned(changed) else { continue }
                    taken += 1
                    #expect(try JSONDecoder().decode(Call.self, from: Data(changed)) == call, "\(index) \(byte)")
                }
                #expect(Self.scanned(Array(body[..<index])) == nil)
            }
            for more in ["}", "0", ",", "\u{0}"] { #expect(Self.scanned(body + Array(more.utf8)) == nil) }
        }
        #expect(taken > 100)
    }

    @Test("doubled names, fractions, nulls, escapes and other requests are left to the long way")
    func leftAlone() {
        for text in [
            #"{"node":"n","node":"m","credential":"k","request":{"poll":{}}}"#,
            #"{"node":"n","credential":null,"request":{"poll":{}}}"#,
            #"{"node":"n\n","credential":"k","request":{"poll":{}}}"#,
            #"{"node":"n","credential":"k","request":{"poll":{},"leave":{}}}"#,
            #"{"node":"n","credential":"k","request":{"heartbeat":{"holding":[],"tasks":[{"bytes":1.0,"rows":1,"token":1}]}}}"#,
            #"{"node":"n","credential":"k","request":{"heartbeat":{"holding":[],"tasks":[{"bytes":01,"rows":1,"token":1}]}}}"#,
            #"{"node":"n","credential":"k","request":{"heartbeat":{"holding":[],"tasks":[{"bytes":9223372036854775808,"rows":1,"token":1}]}}}"#,
            #"{"node":"n","credential":"k","request":{"leave":{}}}"#, #"{"node":"n","credential":"k"}"#,
            #"{"node":"n","credential":"k","request":{"poll":{}},"x":1}"#,
        ] { #expect(Self.scanned(Array(text.utf8)) == nil, "\(text)") }
    }

    @Test("frequent answers are the general encoder's bytes")
    func answers() throws {
        func grant(_ path: String, _ task: TaskSpec, _ holds: [SnapshotHold] = [], _ shard: Shard? = nil) -> Reply {
            .grant(
                Grant(
                    run: "r", task: task, epoch: 2, token: 1 << 40, attempt: "a", documentPath: path, snapshots: holds,
                    shard: shard))
        }
        func shard(_ path: String) -> Shard {
            Shard(
                index: 0, piece: .bytes(path: path, start: 1, end: 2, firstRecord: 3), estimatedRows: 4,
                estimatedBytes: 5)
        }
        let holds = [SnapshotHold(source: "s", snapshot: "00-1"), SnapshotHold(source: "é/", snapshot: "")]
        let short: [Reply] = [
            .accepted, .fenced, .noWork(retryAfterMilliseconds: 100, isIdle: true),
            .noWork(retryAfterMilliseconds: 0, isIdle: false),
            .alive(revoked: [], letGo: [], isDraining: false), .alive(revoked: [1, .max], letGo: [], isDraining: true),
            .slice(bytes: "YW/+Jj==", total: 9), grant("/a/b é.yaml", .shard(table: "t", index: 3), holds),
            grant("", .shard(table: "é", index: 0)),
            grant("", .shard(table: "t", index: 0), holds, shard("a/é.csv")),
        ]
        let long: [Reply] = [
            grant("", .shard(table: "t", index: 0), [], shard("\"")), grant("a\"b", .shard(table: "t", index: 3)),
            grant("", .plan), .alive(revoked: [], letGo: ["r"], isDraining: false), .drain,
            grant("", .shard(table: "\u{7f}", index: 0)), .slice(bytes: "\\", total: 1),
        ]
        for (replies, isShort) in [(short, true), (long, false)] {
            for reply in replies {
                #expect((reply.plainText != nil) == isShort)
                let encoder = JSONEncoder()
                encoder.outputFormatting = [.sortedKeys, .withoutEscapingSlashes]
                let frame = try WireFormat.frame(reply, id: .random())
                #expect(
                    String(decoding: frame[WireFormat.headerByteCount...], as: UTF8.self)
                        == String(decoding: try encoder.encode(reply), as: UTF8.self))
            }
        }
    }
}
