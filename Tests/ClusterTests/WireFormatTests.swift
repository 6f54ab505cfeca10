import Foundation
import Model
import Testing

@testable import Cluster

@Suite("The wire format")
struct WireFormatTests {
    @Test("what is framed is read back, with its id")
    func roundTrip() throws {
        let id = WireFormat.RequestID(high: 0x0102_0304_0506_0708, low: 9)
        for (call, _) in GoldenFrames.calls {
            let (readID, read) = try WireFormat.call(from: WireFormat.frame(call, id: id))
            #expect(readID == id && read == call)
        }
        for (reply, _) in GoldenFrames.replies {
            let (readID, read) = try WireFormat.reply(from: WireFormat.frame(reply, id: id))
            #expect(readID == id && read == reply)
        }
    }

    @Test("every request and every answer is these bytes, and these bytes are read")
    func golden() throws {
        let id = WireFormat.RequestID(high: 0x0102_0304_0506_0708, low: 0xff)
        let head: [UInt8] = [1, 2, 3, 4, 5, 6, 7, 8, 0, 0, 0, 0, 0, 0, 0, 0xff]
        for (call, body) in GoldenFrames.calls {
            let golden = [3, 1] + head + Array(body.utf8)
            let frame = try WireFormat.frame(call, id: id)
            #expect(frame == golden, "\(String(decoding: frame.dropFirst(18), as: UTF8.self))")
            #expect(try WireFormat.call(from: golden).1 == call)
        }
        for (reply, body) in GoldenFrames.replies {
            let golden = [3, 2] + head + Array(body.utf8)
            let frame = try WireFormat.frame(reply, id: id)
            #expect(frame == golden, "\(String(decoding: frame.dropFirst(18), as: UTF8.self))")
            #expect(try WireFormat.reply(from: golden).1 == reply)
        }
    }

    @Test("no case is without a golden frame")
    func allCases() {
        #expect(Set(GoldenFrames.calls.map { GoldenFrames.name($0.0.request) }).count == 12)
        #expect(Set(GoldenFrames.replies.map { GoldenFrames.name($0.0) }).count == 13)
    }

    @Test("an unknown version, a reply in a request's place and a short frame are told apart")
    func refusals() throws {
        var frame = try WireFormat.frame(GoldenFrames.calls[0].0, id: .random())
        #expect(throws: WireFormat.Failure.wrongKind) { try WireFormat.reply(from: frame) }
        for version: UInt8 in [0, 1, 2, 4, 255] {
            frame[0] = version
            #expect(throws: WireFormat.Failure.unknownVersion(version)) { try WireFormat.call(from: frame) }
        }
        #expect(throws: WireFormat.Failure.tooShort) { try WireFormat.call(from: [3, 1]) }
        #expect(throws: WireFormat.Failure.unreadableBody) {
            try WireFormat.call(from: [3, 1] + [UInt8](repeating: 0, count: 16))
        }
    }

    @Test(
        "bodies that nest deeply never reach the decoder, whose recursion overflows a stack; brackets in texts are text"
    )
    func nesting() throws {
        let head = try Array(
            WireFormat.frame(GoldenFrames.calls[0].0, id: .random()).prefix(WireFormat.headerByteCount))
        for depth in [33, 600, 20_000] {
            for body in [
                #"{"a":"# + String(repeating: "[", count: depth), String(repeating: #"{"a":"#, count: depth),
                #"{"\"":"# + String(repeating: "[", count: depth) + String(repeating: "]", count: depth) + "}",
                String(repeating: "[", count: depth),
            ] {
                #expect(throws: WireFormat.Failure.unreadableBody) {
                    try WireFormat.call(from: head + Array(body.utf8))
                }
                let wide = body.utf16.flatMap { [UInt8(truncatingIfNeeded: $0), UInt8($0 >> 8)] }
                #expect(throws: WireFormat.Failure.unreadableBody) { try WireFormat.call(from: head + wide) }
            }
        }
        let text = String(repeating: #"[{\"]"#, count: 100)
        let call = GoldenFrames.call(.cancel(run: text))
        #expect(try WireFormat.call(from: WireFormat.frame(call, id: .random())).1 == call)
    }
}
