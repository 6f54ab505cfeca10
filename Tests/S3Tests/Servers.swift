import Foundation
import Secrets
import TestKit
import Testing

@testable import S3

/// S3 servers of others to test against: those of `ETL_TEST_S3` (endpoints with spaces between, access key and secret
/// `testing`) and moto, where the Python of `ETL_TEST_PYTHON` has it.
struct S3TestServer: Sendable, CustomTestStringConvertible {
    let name: String
    let endpoints: [String]

    var testDescription: String { name }

    static let all: [S3TestServer] = [
        given, MotoServer.shared.map { S3TestServer(name: "moto", endpoints: [$0.endpoint]) },
    ]
    .compactMap { $0 }

    static let reasonToSkip = "neither does ETL_TEST_S3 name a server nor has the Python of ETL_TEST_PYTHON moto"

    private static let given: S3TestServer? = {
        let endpoints = ProcessInfo.processInfo.environment["ETL_TEST_S3"]?.split(separator: " ").map(String.init) ?? []
        return endpoints.isEmpty ? nil : S3TestServer(name: "ETL_TEST_S3", endpoints: endpoints)
    }()

    static let credentials = FixedCredentials(
        S3Credentials(accessKeyID: "testing", secretKey: WipedBytes("testing")))

    /// A bucket of the test's own, emptied and removed at its end.
    func withBucket<Result>(prefix: String = "", _ body: (S3Client) throws -> Result) throws -> Result {
        let bucket = "etlx-test-\(UInt64.random(in: 0 ... .max))"
        let whole = client(try S3Location(bucket: bucket, region: "us-east-1", endpoints: endpoints))
        _ = try whole.send(S3Client.Request(action: "make bucket", method: "PUT"), bytes: [])
        defer {
            for upload in (try? whole.listUploads()) ?? [] {
                try? whole.abortUpload(upload.key, uploadID: upload.uploadID)
            }
            _ = try? whole.delete(whole.list().objects.map(\.key))
            _ = try? whole.send(S3Client.Request(action: "remove bucket", method: "DELETE"))
        }
        return try body(prefix.isEmpty ? whole : client(try whole.location.appending(prefix)))
    }

    func client(_ location: S3Location) -> S3Client { S3Client(location, credentials: Self.credentials) }
}
