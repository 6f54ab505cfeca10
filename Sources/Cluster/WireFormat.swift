import Foundation
internal import Model

/// A frame of the control plane.
///
///     offset  bytes  field
///     0       1      protocol version, 3
///     1       1      kind: 1 request, 2 reply
///     2       16     request id: chosen by the asker, the same in a repetition and in the answer
///     18      …      body: JSON of a `Call` or `Reply`, UTF-8
///
/// A frame is valid when it is at most `Limits.bytesPerMessage` long, the version is known and the body is one object that
/// nests at most `deepestNesting` deep and parses whole.
/// An unknown version is answered by `refused`, never by silence; anything else that does not parse is dropped.
package enum WireFormat {
    package static let version: UInt8 = 3
    package static let headerByteCount = 18
    /// Our own messages nest half as deep. Foundation's decoder recurses 512 deep, which overflows a thread's stack.
    static let deepestNesting = 32

    package enum Kind: UInt8, Sendable { case request = 1, reply = 2 }

    package struct RequestID: Hashable, Sendable {
        package let high: UInt64
        package let low: UInt64

        package static func random() -> RequestID {
            RequestID(high: .random(in: .min ... .max), low: .random(in: .min ... .max))
        }
    }

    package enum Failure: Error, Equatable { case tooShort, tooLong, unknownVersion(UInt8), wrongKind, unreadableBody }

    package static func frame(_ call: Call, id: RequestID) throws -> [UInt8] { head(.request, id) + (try body(call)) }

    package static func frame(_ reply: Reply, id: RequestID) throws -> [UInt8] {
        guard let text = reply.plainText else { return head(.reply, id) + (try body(reply)) }
        return head(.reply, id) + text.utf8
    }

    package static func call(from bytes: [UInt8]) throws(Failure) -> (RequestID, Call) {
        let id = try readHead(.request, of: bytes)
        if let call = Call(scanning: bytes, in: headerByteCount..<bytes.count) { return (id, call) }
        return (id, try readBody(of: bytes))
    }

    package static func reply(from bytes: [UInt8]) throws(Failure) -> (RequestID, Reply) {
        (try readHead(.reply, of: bytes), try readBody(of: bytes))
    }

    /// The id of any frame long enough to have one, to answer what cannot be read.
    package static func requestID(of bytes: [UInt8]) -> RequestID? {
        guard bytes.count >= headerByteCount else { return nil }
        return RequestID(high: bigEndian(bytes[2..<10]), low: bigEndian(bytes[10..<18]))
    }

    private static func head(_ kind: Kind, _ id: RequestID) -> [UInt8] {
        var bytes: [UInt8] = [version, kind.rawValue]
        for word in [id.high, id.low] {
            for shift in stride(from: 56, through: 0, by: -8) { bytes.append(UInt8(truncatingIfNeeded: word >> shift)) }
        }
        return bytes
    }

    private static func body(_ body: some Encodable) throws -> Data {
        let encoder = JSONEncoder()
        encoder.outputFormatting = [.sortedKeys, .withoutEscapingSlashes]
        return try encoder.encode(body)
    }

    private static func readHead(_ kind: Kind, of bytes: [UInt8]) throws(Failure) -> RequestID {
        guard let id = requestID(of: bytes) else { throw .tooShort }
        guard bytes[0] == version else { throw .unknownVersion(bytes[0]) }
        guard bytes[1] == kind.rawValue else { throw .wrongKind }
        return id
    }

    private static func readBody<Body: Decodable>(of bytes: [UInt8]) throws(Failure) -> Body {
        let text = bytes[headerByteCount...]
        guard text.first == UInt8(ascii: "{"), JSONNesting.isAtMost(deepestNesting, in: text) else {
            throw .unreadableBody
        }
        guard let body = try? JSONDecoder().decode(Body.self, from: Data(bytes[headerByteCount...])) else {
            throw .unreadableBody
        }
        return body
    }

    private static func bigEndian(_ bytes: ArraySlice<UInt8>) -> UInt64 { bytes.reduce(0) { $0 << 8 | UInt64($1) } }
}
