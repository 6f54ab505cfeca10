import Foundation
import Model
import Testing

@testable import Cluster

@Suite("The wire format")
struct WireFormatTests {
    static let requests: [Request] = [
        .join(Join(secret: "s", role: .keeper, processID: 7, host: "h", build: "1")),
        .poll(worker: "worker-1"),
        .heartbeat(worker: "worker-1", tasks: [TaskProgress(token: 3, rows: 4, bytes: 5)]),
        .fetch(worker: "worker-1", text: .plan, offset: 9),
        .upload(worker: "keeper-1", token: 1, offset: 0, total: 3, bytes: "YWJj"),
        .complete(worker: "keeper-1", token: 1, result: .plan),
        .fail(
            worker: "worker-1", token: 2, failure: TaskFailure(kind: .data, disposition: .failRun, message: "m")),
        .release(worker: "worker-1", token: 2), .leave(worker: "worker-1"),
    ]

    @Test("what is framed is read back, with its id", arguments: requests)
    func roundTrip(request: Request) throws {
        let id = WireFormat.RequestID(high: 0x0102_0304_0506_0708, low: 9)
        let (readID, read) = try WireFormat.request(from: WireFormat.frame(request, id: id))
        #expect(readID == id && read == request)
    }

    @Test("a frame begins with version, kind and a big-endian id")
    func golden() throws {
        let frame = try WireFormat.frame(.drain, id: WireFormat.RequestID(high: 0x0102_0304_0506_0708, low: 0xff))
        #expect(Array(frame.prefix(18)) == [1, 2, 1, 2, 3, 4, 5, 6, 7, 8, 0, 0, 0, 0, 0, 0, 0, 0xff])
        #expect(String(decoding: frame.dropFirst(18), as: UTF8.self) == #"{"drain":{}}"#)
    }

    @Test("an unknown version, a reply in a request's place and a short frame are told apart")
    func refusals() throws {
        var frame = try WireFormat.frame(.poll(worker: "w"), id: .random())
        #expect(throws: WireFormat.Failure.wrongKind) { try WireFormat.reply(from: frame) }
        frame[0] = 9
        #expect(throws: WireFormat.Failure.unknownVersion(9)) { try WireFormat.request(from: frame) }
        #expect(throws: WireFormat.Failure.tooShort) { try WireFormat.request(from: [1, 1]) }
    }

    @Test("frames with flipped bytes are refused or read, and never crash", arguments: 0..<200)
    func mutated(seed: Int) throws {
        var frame = try WireFormat.frame(Self.requests[seed % Self.requests.count], id: .random())
        frame[(seed &* 7919) % frame.count] ^= UInt8(truncatingIfNeeded: seed &* 31 | 1)
        _ = try? WireFormat.request(from: frame)
    }
}

@Suite("nng sockets", .serialized)
struct SocketTests {
    @Test("a question is answered over loopback, and an unanswered one ends in time")
    func askAndAnswer() throws {
        let server = try ReplySocket(listeningOn: "tcp://127.0.0.1:0")
        #expect(!server.address.hasSuffix(":0"))
        let address = server.address
        let thread = Thread {
            guard let socket = try? RequestSocket(address: address) else { return }
            _ = try? socket.ask(.poll(worker: "a"), id: .random())
            socket.close()
        }
        thread.start()
        var frame: [UInt8]?
        for _ in 0..<50 where frame == nil { frame = try server.receive(timeout: .milliseconds(100)) }
        let (id, request) = try WireFormat.request(from: #require(frame))
        #expect(request == .poll(worker: "a"))
        server.answer(.drain, id: id)
        server.close()
    }
}
