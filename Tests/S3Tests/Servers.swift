import Foundation
import Synchronization
import Testing

@testable import S3

/// S3 servers of others to test against: those of `ETL_TEST_S3` (endpoints with spaces between, access key and secret
/// `testing`) and moto, where the Python of `ETL_TEST_PYTHON` has it.
struct S3TestServer: Sendable, CustomTestStringConvertible {
    let name: String
    let endpoints: [String]

    var testDescription: String { name }

    static let all: [S3TestServer] = [given, MotoServer.shared.map { S3TestServer(name: "moto", endpoints: [$0.endpoint]) }]
        .compactMap { $0 }

    static let reasonToSkip = "neither does ETL_TEST_S3 name a server nor has the Python of ETL_TEST_PYTHON moto"

    private static let given: S3TestServer? = {
        let endpoints = ProcessInfo.processInfo.environment["ETL_TEST_S3"]?.split(separator: " ").map(String.init) ?? []
        return endpoints.isEmpty ? nil : S3TestServer(name: "ETL_TEST_S3", endpoints: endpoints)
    }()

    static let credentials = FixedCredentials(
        S3Credentials(accessKeyID: "testing", secretKey: SecretBytes("testing")))

    /// A bucket of the test's own, emptied and removed at its end.
    func withBucket<Result>(prefix: String = "", _ body: (S3Client) throws -> Result) throws -> Result {
        let bucket = "etlx-test-\(UInt64.random(in: 0 ... .max))"
        let whole = client(try S3Location(bucket: bucket, region: "us-east-1", endpoints: endpoints))
        _ = try whole.send(S3Client.Request(action: "make bucket", method: "PUT"), bytes: [])
        defer {
            for upload in (try? whole.listUploads()) ?? [] { try? whole.abortUpload(upload.key, uploadID: upload.uploadID) }
            _ = try? whole.delete(whole.list().objects.map(\.key))
            _ = try? whole.send(S3Client.Request(action: "remove bucket", method: "DELETE"))
        }
        return try body(prefix.isEmpty ? whole : client(try whole.location.appending(prefix)))
    }

    func client(_ location: S3Location) -> S3Client { S3Client(location, credentials: Self.credentials) }
}

/// moto's server, one for all tests of this process; it ends with the process.
final class MotoServer: Sendable {
    static let shared = MotoServer()
    let endpoint: String

    private init?() {
        guard let python = ProcessInfo.processInfo.environment["ETL_TEST_PYTHON"] else { return nil }
        // The parent's end closes the pipe, by which the child sees that it is to leave.
        let program = """
            import os, sys, threading
            try:
                from moto.server import ThreadedMotoServer
            except ImportError:
                sys.exit(3)
            server = ThreadedMotoServer(ip_address="127.0.0.1", port=0, verbose=False)
            server.start()
            print(server.get_host_and_port()[1], flush=True)
            sys.stdin.read()
            os._exit(0)
            """
        let process = Process()
        process.executableURL = URL(fileURLWithPath: python)
        process.arguments = ["-c", program]
        let (output, input) = (Pipe(), Pipe())
        process.standardOutput = output
        process.standardInput = input
        process.standardError = FileHandle.nullDevice
        guard (try? process.run()) != nil else { return nil }
        var line = Data()
        while let byte = try? output.fileHandleForReading.read(upToCount: 1), !byte.isEmpty, byte[0] != 0x0a { line += byte }
        guard let port = Int(String(decoding: line, as: UTF8.self)) else { return nil }
        endpoint = "http://127.0.0.1:\(port)"
        Self.held.withLock { $0 = input }
    }

    /// Our end of the pipe lives as long as this process.
    private static let held = Mutex<Pipe?>(nil)
}
