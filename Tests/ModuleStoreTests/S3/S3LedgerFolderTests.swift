import Model
import S3
import Testing

@testable import ModuleStore

@Suite("Where the ledgers of buckets lie")
struct S3LedgerFolderTests {
    @Test("buckets of one name at two endpoints have two folders, one bucket has one")
    func folders() throws {
        func folder(_ endpoint: String?, _ prefix: String = "modules") throws -> String {
            let location = try S3Location(
                bucket: "data", prefix: prefix, region: "us-east-1", endpoints: endpoint.map { [$0] } ?? [])
            return Store(
                S3Storage(location, credentials: CredentialsChain(environment: [:], region: "us-east-1"))
            ).ledgerFolder
        }
        #expect(try folder("http://127.0.0.1:1") == folder("http://127.0.0.1:1"))
        #expect(try folder("http://127.0.0.1:1") != folder("http://127.0.0.1:2"))
        #expect(try folder("http://127.0.0.1:1") != folder(nil))
        #expect(try folder(nil) != folder(nil, "others"))
    }
}
