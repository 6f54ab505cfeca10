import Foundation
import Testing

@testable import S3

@Suite("objects in parts", .enabled(if: !S3TestServer.all.isEmpty, Comment(rawValue: S3TestServer.reasonToSkip)))
struct MultipartTests {
    /// The same bytes each time, other ones in each part: a block with its number, again and again.
    private func bytes(_ count: Int) -> [UInt8] {
        let block = (0..<4096).map { UInt8(truncatingIfNeeded: $0 &* 31 ^ $0 >> 5) }
        var whole: [UInt8] = []
        whole.reserveCapacity(count + 4104)
        var number = 0
        while whole.count < count {
            whole += block
            whole += (0..<8).map { UInt8(truncatingIfNeeded: number >> (8 * $0)) }
            number += 1
        }
        whole.removeLast(whole.count - count)
        return whole
    }

    private func readAll(_ reader: S3Reader, by step: Int) throws -> [UInt8] {
        var (whole, memory) = ([UInt8](), [UInt8](repeating: 0, count: step))
        while true {
            let count = try unsafe memory.withUnsafeMutableBytes { try unsafe reader.read(into: $0) }
            if count == 0 { return whole }
            whole += memory[..<count]
        }
    }

    @Test("parts make the object, and leave nothing behind", arguments: S3TestServer.all)
    func parts(server: S3TestServer) throws {
        try server.withBucket(prefix: "up") { client in
            let (first, second) = (bytes(8 << 20), Array("the end".utf8))
            let upload = try client.beginUpload("big one")
            let (one, two) = (
                try client.uploadPart("big one", uploadID: upload, number: 1, first),
                try client.uploadPart("big one", uploadID: upload, number: 2, second)
            )
            #expect(try client.listParts("big one", uploadID: upload) == [one, two])
            let unfinished = try client.listUploads()
            #expect(unfinished.map(\.key) == ["big one"] && unfinished.map(\.uploadID) == [upload])
            try client.completeUpload("big one", uploadID: upload, [one, two])
            // The answer to a second completion is the one after a lost first.
            try client.completeUpload("big one", uploadID: upload, [one, two])
            let info = try #require(try client.head("big one"))
            #expect(info.byteCount == (8 << 20) + 7 && S3Client.isMade(info, of: [one, two], provesItself: true))
            #expect(try readAll(try client.getStream("big one"), by: 1_000_003) == first + second)
            #expect(try client.listUploads() == [])
            let other = try client.beginUpload("other")
            try client.abortUpload("other", uploadID: other)
            try client.abortUpload("other", uploadID: other)
            #expect(try client.listUploads() == [])
            // Ceph answers InternalError, which is repeated; others say that there is no such upload.
            let impatient = S3Client(
                client.location, credentials: S3TestServer.credentials,
                retries: S3Retries(tries: 2, firstPause: .milliseconds(1)))
            #expect(throws: S3Error.self) { try impatient.completeUpload("other", uploadID: other, [one]) }
        }
    }

    @Test("a sink takes any length", arguments: S3TestServer.all)
    func sink(server: S3TestServer) throws {
        try server.withBucket { client in
            for count in [0, 1, 8 << 20, (8 << 20) + 1, (40 << 20) + 3] {
                let content = bytes(count)
                let upload = S3Upload(client, "object-\(count)")
                for start in stride(from: 0, to: count, by: 3_000_017) {
                    try unsafe content[start..<min(start + 3_000_017, count)].withUnsafeBytes {
                        try unsafe upload.write($0)
                    }
                }
                let finished = try upload.finish()
                #expect(finished.byteCount == Int64(count))
                #expect(finished.partCount == max(1, (count + (8 << 20) - 1) / (8 << 20)))
                #expect(try readAll(try client.getStream("object-\(count)"), by: 1 << 20) == content)
            }
            #expect(try client.listUploads() == [])
        }
    }

    @Test("a sink that is given up leaves nothing", arguments: S3TestServer.all)
    func givenUp(server: S3TestServer) throws {
        try server.withBucket { client in
            let content = bytes(20 << 20)
            try unsafe content.withUnsafeBytes { try unsafe S3Upload(client, "lost").write($0) }
            #expect(try client.listUploads() == [])
            #expect(try client.list().objects == [])
        }
    }
}

@Suite("uploads")
struct UploadTests {
    @Test("the sizes of parts reach far within 10,000")
    func sizes() {
        let whole = (1...10_000).reduce(Int64(0)) { $0 + Int64(S3Upload.partByteCount($1)) }
        #expect(whole > 300 << 30)
        #expect((1...1280).reduce(0) { $0 + S3Upload.partByteCount($1) } == 10 << 30)
        #expect((1...1920).reduce(0) { $0 + S3Upload.partByteCount($1) } == 20 << 30)
    }

    @Test("a part that fails ends the upload, and the upload is forgotten")
    func failing() throws {
        let stub = StubServer { request, _ in
            if request.target.hasSuffix("?uploads=") {
                return .plain(
                    200, [:], "<InitiateMultipartUploadResult><UploadId>u 1</UploadId></InitiateMultipartUploadResult>")
            }
            return request.method == "DELETE"
                ? .plain(204) : .plain(403, [:], "<Error><Code>AccessDenied</Code></Error>")
        }
        defer { stub.stop() }
        let client = S3Client(
            try S3Location(bucket: "bucket", region: "r", endpoints: [stub.endpoint]),
            credentials: S3TestServer.credentials)
        let upload = S3Upload(client, "k")
        let content = [UInt8](repeating: 1, count: 9 << 20)
        #expect {
            for _ in 0..<3 { try unsafe content.withUnsafeBytes { try unsafe upload.write($0) } }
            _ = try upload.finish()
        } throws: { ($0 as? S3Error)?.serverCode == "AccessDenied" }
        try upload.cancel()
        #expect(stub.requests.last?.method == "DELETE" && stub.requests.last?.target == "/bucket/k?uploadId=u%201")
    }
}
