import Foundation
import Model
import S3
import Synchronization
import TestKit
import Testing

@testable import ModuleStore

/// A bucket whose server ignores the condition of a PUT, with a database that decides instead.
@Suite(
    "A store in a bucket, with claims in a database",
    .enabled(
        if: S3TestServer.moto != nil && PostgresTestServer.shared != nil,
        "\(S3TestServer.reasonForNoMoto), or \(PostgresTestServer.reasonToSkip)"), .serialized)
struct S3ClaimTests {
    private func withStore(_ body: (@escaping @Sendable () throws -> Store) throws -> Void) throws {
        let server = try #require(S3TestServer.moto)
        let bucket = try server.makeBucket()
        try #require(PostgresTestServer.shared).withDatabase("claims") { database in
            try server.withProxy(["--strip", "If-None-Match"]) { endpoint in
                let url = database.url
                try body {
                    let location = try S3Location(bucket: bucket, region: "us-east-1", endpoints: [endpoint])
                    return Store(
                        S3Storage(
                            location,
                            credentials: CredentialsChain(environment: S3TestServer.environment, region: "us-east-1"),
                            claims: Secret(url, written: "${env:CLAIMS}"), patience: .seconds(20)))
                }
            }
        }
    }

    @Test("racing publishers get consecutive versions, none doubled, none destroyed")
    func race() throws {
        try withStore { store in
            let published = Mutex<[Int]>([])
            let others = Mutex<[String]>([])
            let group = DispatchGroup()
            for _ in 0..<6 {
                group.enter()
                Thread.detachNewThread {
                    defer { group.leave() }
                    do {
                        let mine = try store()
                        // A run that loses its race is run again.
                        for _ in 0..<20 {
                            let attempt = try mine.beginAttempt(module: "clinic")
                            let receipts = try Fixture.stage(attempt, in: mine)
                            do {
                                let version = try publish(mine, attempt, receipts).record.version
                                published.withLock { $0.append(version) }
                                return
                            } catch let error as StoreError where error.code == .conflict { continue }
                        }
                    } catch { others.withLock { $0.append("\(error)") } }
                }
            }
            group.wait()
            #expect(others.withLock { $0 } == [])
            #expect(published.withLock { $0.sorted() } == [1, 2, 3, 4, 5, 6])
            let judge = try store()
            #expect(try judge.verify(module: "clinic").findings == [])
        }
    }

    @Test("a claim whose holder died is put by the next publisher, and the numbers go on")
    func orphan() throws {
        try withStore { store in
            let mine = try store()
            let attempt = try mine.beginAttempt(module: "clinic")
            let receipts = try Fixture.stage(attempt, in: mine)
            let record = Mutex<CommitRecord?>(nil)
            #expect(throws: Stopped.self) {
                try publish(
                    mine, attempt, receipts,
                    willCommit: { claimed in
                        record.withLock { $0 = claimed }
                        throw Stopped()
                    })
            }
            let dead = try #require(record.withLock { $0 })
            let storage = try #require(mine.storage as? S3Storage)
            let path = "clinic/\(ModuleLayout.commitRecord(version: dead.version))"
            guard case .ours? = try storage.claims?.claim(path, dead.bytesOfFile, keepsBytes: true) else {
                Issue.record("the claim is ours")
                return
            }
            #expect(try mine.versions(module: "clinic") == [], "claimed and not yet there")
            let next = try mine.beginAttempt(module: "clinic")
            let parts = try Fixture.stage(next, in: mine)
            let error = #expect(throws: StoreError.self) { try publish(mine, next, parts) }
            #expect(error?.code == .conflict)
            #expect(try mine.record(module: "clinic", version: 1) == dead)
            #expect(try mine.verify(module: "clinic").findings == [])
        }
    }

    @discardableResult
    private func publish(
        _ store: Store, _ attempt: String, _ receipts: [PartReceipt],
        willCommit: (CommitRecord) throws -> Void = { _ in }
    ) throws -> Published {
        try Publisher(store: store, module: "clinic", attempt: attempt).publish(
            tables: Fixture.tables, receipts: receipts, committedAt: "2026-11-23T05:30:00Z",
            committedBy: "etl-express test", expiresAt: nil, willCommit: willCommit
        ) { Fixture.describe($0, receipts) }
    }
}
