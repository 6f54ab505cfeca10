import Foundation
import Model
import S3
import TestKit
import Testing

@testable import ModuleStore

@Suite(
    "A store in a bucket", .enabled(if: S3TestServer.shared != nil, "\(S3TestServer.reasonToSkip)"), .serialized)
struct S3StoreTests {
    let server = S3TestServer.shared!

    @Test("a version is published, verified, listed, withdrawn and gone; nothing is visible before its commit")
    func life() throws {
        let fixture = try S3Fixture(server, bucket: server.makeBucket())
        let store = fixture.store
        let (attempt, receipts) = try fixture.stage()
        #expect(try store.modules() == [])
        #expect(try fixture.storage.files(below: "clinic") == [], "open uploads are no objects")
        #expect(try fixture.storage.names("clinic/_staging") == [attempt])
        let published = try fixture.publish(attempt, receipts)
        #expect(published.record.version == 1)
        #expect(try store.modules() == ["clinic"])
        #expect(try store.latest(module: "clinic") == 1)
        #expect(try store.verify(module: "clinic").findings == [])
        #expect(try fixture.storage.names("clinic/_staging") == [], "every upload is completed")
        let again = try fixture.publish(attempt, receipts)
        #expect(again.wasCommittedBefore && again.record == published.record)

        let (second, others) = try fixture.stage()
        #expect(try fixture.publish(second, others).record.version == 2)
        try store.withdraw(module: "clinic", version: 1, reason: "test", by: "test", at: "2026-11-23T06:00:00Z")
        #expect(
            try fixture.storage.files(below: "clinic/\(ModuleLayout.run(attempt))") == [ModuleLayout.croissant])
        #expect(try store.verify(module: "clinic").withdrawn == [1])
        #expect(try store.verify(module: "clinic").findings == [])
        #expect(try store.latest(module: "clinic") == 2)
    }

    @Test("one changed byte in any object of a version is named")
    func changedByte() throws {
        let fixture = try S3Fixture(server, bucket: server.makeBucket())
        let (attempt, receipts) = try fixture.stage()
        let record = try fixture.publish(attempt, receipts).record
        let folder = "clinic/\(ModuleLayout.run(record.attempt))"
        for path in try fixture.storage.files(below: folder) {
            let bytes = try fixture.storage.read("\(folder)/\(path)", limit: 1 << 20)
            var changed = bytes
            changed[changed.count / 2] ^= 1
            try fixture.storage.write("\(folder)/\(path)", changed)
            let findings = try fixture.store.verify(module: "clinic").findings
            #expect(findings.contains { $0.path == "\(folder)/\(path)" }, "\(path)")
            try fixture.storage.write("\(folder)/\(path)", bytes)
        }
        #expect(try fixture.store.verify(module: "clinic").findings == [])
    }

    @Test("interrupted uploads are found and removed by a sweep, and a discarded attempt leaves nothing")
    func sweeping() throws {
        let bucket = try server.makeBucket()
        let fixture = try S3Fixture(server, bucket: bucket)
        let (kept, receipts) = try fixture.stage()
        _ = try fixture.publish(kept, receipts)
        let (lost, _) = try fixture.stage()
        let (given, _) = try fixture.stage()
        #expect(try fixture.storage.names("clinic/_staging") == [lost, given].sorted())
        try fixture.store.discard(module: "clinic", attempt: given)
        #expect(try fixture.store.sweep(module: "clinic").staging == [], "too young")
        let later = Store(fixture.storage, now: { Store.systemTime() + 8 * 86_400_000 })
        #expect(try later.sweep(module: "clinic").staging == [lost])
        #expect(try fixture.storage.names("clinic/_staging") == [])
        #expect(try fixture.store.verify(module: "clinic").findings == [])
    }

    @Test("a version whose publisher died right behind its record is withdrawn with every upload begun for it")
    func diedBehindTheRecord() throws {
        let fixture = try S3Fixture(server, bucket: server.makeBucket())
        let (attempt, receipts) = try fixture.stage()
        func stageLate(_ epoch: Int) throws {
            let part = try fixture.store.stagePart(
                module: "clinic", attempt: attempt, table: "patients", shard: 0, epoch: epoch)
            try part.write(text: "rows of a worker that was thought lost")
            _ = try part.finish()
        }
        // Of a shard's two workers one is accepted; the other's upload stays open.
        try stageLate(2)
        #expect(throws: Stopped.self) {
            try fixture.publish(attempt, receipts) { if $0 == .committed { throw Stopped() } }
        }
        let run = "clinic/\(ModuleLayout.run(attempt))"
        let before = try fixture.store.verify(module: "clinic")
        #expect(before.findings == [] && before.leftovers.count == 1)
        #expect(before.leftovers.first?.path.hasPrefix("\(run)/data/patients/part-00000.parquet") == true)
        func withdraw() throws {
            try fixture.store.withdraw(
                module: "clinic", version: 1, reason: "erasure", by: "dpo", at: "2026-12-01T00:00:00Z")
            #expect(try fixture.storage.files(below: run) == [ModuleLayout.croissant])
            #expect(try fixture.storage.client.listUploads("clinic/") == [])
            #expect(try fixture.store.verify(module: "clinic").findings == [])
        }
        try withdraw()
        // One that comes to its end after the withdrawal.
        try stageLate(3)
        #expect(try fixture.store.verify(module: "clinic").findings.map(\.kind) == [.unexpected])
        try withdraw()
        try stageLate(4)
        _ = try fixture.store.beginAttempt(module: "clinic")
        #expect(try fixture.storage.client.listUploads("clinic/") == [], "the next run removes it")
    }

    enum Server: CaseIterable, CustomTestStringConvertible {
        case gateway, moto
        var testDescription: String { "\(self)" }
        var found: S3TestServer? { self == .gateway ? .shared : .moto }
    }

    @Test(
        "a part whose bytes are others in the bucket than its worker sent fails the run by name, and nothing is published",
        arguments: Server.allCases, [false, true])
    func changedBeforeTheCommit(_ kind: Server, _ isOlderReceipt: Bool) throws {
        guard let server = kind.found else { try Test.cancel("\(S3TestServer.reasonForNoMoto)") }
        let fixture = try S3Fixture(server, bucket: server.makeBucket())
        func stage() throws -> (attempt: String, receipts: [PartReceipt], path: String) {
            var (attempt, receipts) = try fixture.stage()
            if isOlderReceipt {
                for index in receipts.indices {
                    receipts[index].handle = receipts[index].handle.map { UploadHandle($0).uploadID }
                }
            }
            let part = ModuleLayout.part(table: receipts[0].table, shard: receipts[0].shard)
            return (attempt, receipts, "clinic/\(ModuleLayout.run(attempt))/\(part)")
        }
        func expectRefusal(_ attempt: String, _ receipts: [PartReceipt], _ path: String) throws {
            let error = #expect(throws: StoreError.self) { try fixture.publish(attempt, receipts) }
            #expect(error?.code == .damaged && error?.subject == path)
            #expect(error?.detail.contains("not those that its worker sent") == true)
            #expect(try fixture.store.versions(module: "clinic") == [])
            try fixture.store.discard(module: "clinic", attempt: attempt)
        }
        // A piece of the open upload is sent again, with one byte changed.
        var (attempt, receipts, path) = try stage()
        var bytes = Array("PAR1 patients 0 of \(attempt)".utf8) + [1, 0, 0, 0] + Array("PAR1".utf8)
        #expect(bytes.count == Int(receipts[0].byteCount))
        bytes[7] ^= 1
        let upload = UploadHandle(try #require(receipts[0].handle)).uploadID
        _ = try fixture.storage.client.uploadPart(path, uploadID: upload, number: 1, bytes)
        try expectRefusal(attempt, receipts, path)
        // The completed object is written over before its run is carried on with.
        (attempt, receipts, path) = try stage()
        #expect(throws: Stopped.self) {
            try fixture.publish(attempt, receipts) { if $0 == .partsAccepted { throw Stopped() } }
        }
        bytes = try fixture.storage.read(path, limit: 1 << 20)
        bytes[7] ^= 1
        try fixture.storage.write(path, bytes)
        try expectRefusal(attempt, receipts, path)
        // Written over with the same bytes it has another ETag, and is what was sent.
        (attempt, receipts, path) = try stage()
        #expect(throws: Stopped.self) {
            try fixture.publish(attempt, receipts) { if $0 == .partsAccepted { throw Stopped() } }
        }
        try fixture.storage.write(path, try fixture.storage.read(path, limit: 1 << 20))
        #expect(try fixture.publish(attempt, receipts).record.version == 1)
        #expect(try fixture.store.verify(module: "clinic").findings == [])
    }

    @Test("the ETag that a worker computes is the server's, for one piece and several", arguments: Server.allCases)
    func computedETag(_ kind: Server) throws {
        guard let server = kind.found else { try Test.cancel("\(S3TestServer.reasonForNoMoto)") }
        let fixture = try S3Fixture(server, bucket: server.makeBucket())
        for mebibytes in [0, 1, 8, 9, 17] {
            let attempt = try fixture.store.beginAttempt(module: "clinic")
            let part = try fixture.store.stagePart(module: "clinic", attempt: attempt, table: "t", shard: 0, epoch: 1)
            for number in 0..<mebibytes { try part.write(bytes: [UInt8](repeating: UInt8(number), count: 1 << 20)) }
            let finished = try part.finish()
            let accepted = AcceptedPart(
                table: "t", shard: 0, stagedPath: finished.stagedPath, run: "clinic/\(ModuleLayout.run(attempt))",
                byteCount: finished.byteCount, sha256: finished.sha256, rows: 1, handle: finished.handle)
            try fixture.storage.accept([accepted], module: "clinic", attempt: attempt)
            let etag = try fixture.storage.client.head(accepted.path)?.bareETag
            #expect(etag == finished.handle.flatMap { UploadHandle($0).etag }, "\(mebibytes) MiB")
        }
    }

    @Test("a part of several pieces arrives whole, is accepted once and once more, and reads back by ranges")
    func largePart() throws {
        let fixture = try S3Fixture(server, bucket: server.makeBucket())
        let attempt = try fixture.store.beginAttempt(module: "clinic")
        let part = try fixture.store.stagePart(module: "clinic", attempt: attempt, table: "t", shard: 0, epoch: 1)
        let block = (0..<(1 << 20)).map { UInt8(truncatingIfNeeded: $0 &* 31 &+ $0 >> 8) }
        for _ in 0..<21 { try part.write(bytes: block) }
        let finished = try part.finish()
        let path = "clinic/\(ModuleLayout.run(attempt))/\(ModuleLayout.part(table: "t", shard: 0))"
        let accepted = AcceptedPart(
            table: "t", shard: 0, stagedPath: finished.stagedPath, run: "clinic/\(ModuleLayout.run(attempt))",
            byteCount: finished.byteCount, sha256: finished.sha256, rows: 1, handle: finished.handle)
        #expect(try fixture.storage.byteCount(path) == nil)
        try fixture.storage.accept([accepted], module: "clinic", attempt: attempt)
        try fixture.storage.accept([accepted], module: "clinic", attempt: attempt)
        let measure = try FileMeasure.of(fixture.storage.open(path))
        #expect(measure.byteCount == 21 << 20)
        #expect(measure.sha256 == finished.sha256)
    }

    @Test("the completion of an upload that fails within an answer of 200 is an error, and the next try succeeds")
    func failingCompletion() throws {
        let bucket = try server.makeBucket()
        try server.withProxy(["--fail-complete", "1"]) { endpoint in
            let fixture = try S3Fixture(server, bucket: bucket, endpoints: [endpoint])
            let (attempt, receipts) = try fixture.stage()
            // The client repeats what may pass; what it then claims must be true.
            _ = try? fixture.publish(attempt, receipts)
            #expect(try fixture.publish(attempt, receipts).record.version == 1)
            #expect(try fixture.store.verify(module: "clinic").findings == [])
        }
    }

    // MARK: The probe

    @Test("the probe takes the server as it is, through both of its gateways")
    func probePasses() throws {
        let fixture = try S3Fixture(server, bucket: server.makeBucket())
        #expect(fixture.storage.routes.count == server.endpoints.count)
        try BucketProbe(storage: fixture.storage).check(races: true)
        #expect(try fixture.storage.files(below: "") == [])
    }

    @Test("the probe refuses a bucket with versioning")
    func probeVersioned() throws {
        let fixture = try S3Fixture(server, bucket: server.makeBucket(isVersioned: true))
        let error = #expect(throws: StoreError.self) { try fixture.store.beginAttempt(module: "clinic") }
        #expect(error?.code == .noExclusiveCreate)
        #expect(error?.detail.contains("versioning") == true)
    }

    @Test(
        "the probe refuses a server that ignores the condition, and says what it saw",
        .enabled(if: S3TestServer.moto != nil, "\(S3TestServer.reasonForNoMoto)"))
    func probeUnconditional() throws {
        let server = try #require(S3TestServer.moto)
        let bucket = try server.makeBucket()
        try server.withProxy(["--strip", "If-None-Match"]) { endpoint in
            let fixture = try S3Fixture(server, bucket: bucket, endpoints: [endpoint])
            let error = #expect(throws: StoreError.self) { try fixture.store.beginAttempt(module: "clinic") }
            #expect(error?.code == .noExclusiveCreate)
            #expect(error?.detail.contains("second create") == true)
        }
    }

    @Test("the probe refuses a server whose second create of a name succeeds, although it keeps the first")
    func probeLying() throws {
        let bucket = try server.makeBucket()
        try server.withProxy(["--lie"]) { endpoint in
            let fixture = try S3Fixture(server, bucket: bucket, endpoints: [endpoint])
            let error = #expect(throws: StoreError.self) { try fixture.store.beginAttempt(module: "clinic") }
            #expect(error?.code == .noExclusiveCreate)
            #expect(error?.detail.contains("second create") == true)
        }
    }

    @Test("credentials that are wrong, and a bucket that is not there, are told as that")
    func refusals() throws {
        let absent = try S3Fixture(server, bucket: "etl-absent-\(UInt32.random(in: 0 ... .max))")
        #expect(throws: StoreError.self) { try absent.store.beginAttempt(module: "clinic") }
        let location = try S3Location(bucket: try server.makeBucket(), region: "us-east-1", endpoints: server.endpoints)
        let foreign = CredentialsChain(
            environment: ["AWS_ACCESS_KEY_ID": "testing", "AWS_SECRET_ACCESS_KEY": "wrong-secret"], region: "us-east-1")
        let error = #expect(throws: StoreError.self) {
            try Store(S3Storage(location, credentials: foreign)).beginAttempt(module: "clinic")
        }
        #expect(error?.code == .notAllowed)
        #expect(error?.description.contains("wrong-secret") == false)
    }
}
