import Foundation
import Model
import S3
import TestKit

@testable import ModuleStore

/// A store in a bucket of its own on the real server of the tests.
struct S3Fixture: Sendable {
    let store: Store
    let storage: S3Storage

    init(_ server: S3TestServer, bucket: String, endpoints: [String]? = nil, patience: Duration = .seconds(60)) throws {
        let location = try S3Location(
            bucket: bucket, prefix: "some/modules", region: "us-east-1", endpoints: endpoints ?? server.endpoints)
        storage = S3Storage(
            location,
            credentials: CredentialsChain(environment: S3TestServer.environment, region: "us-east-1"),
            patience: patience)
        store = Store(storage)
    }

    static let module = Fixture.module

    func publish(
        _ attempt: String, _ receipts: [PartReceipt], policy: RacePolicy = .rebase,
        reach: @escaping Publisher.Hook = { _ in }
    ) throws -> Published {
        try Publisher(store: store, module: Self.module, attempt: attempt, policy: policy, reach: reach).publish(
            tables: Fixture.tables, receipts: receipts, committedAt: "2026-11-23T05:30:00Z",
            committedBy: "etl-express test", expiresAt: nil
        ) { Fixture.describe($0, receipts) }
    }

    /// Parts of a new attempt, staged as a worker would.
    func stage() throws -> (attempt: String, receipts: [PartReceipt]) {
        let attempt = try store.beginAttempt(module: Self.module)
        return (attempt, try Fixture.stage(attempt, in: store))
    }
}
