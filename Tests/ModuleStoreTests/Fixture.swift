import Foundation
import Model
import Synchronization

@testable import ModuleStore

/// A store in a folder of its own, gone with the test.
final class Fixture: Sendable {
    let root: String
    let store: Store
    let clock: Clock

    final class Clock: Sendable {
        private let time = Mutex<Int64>(1_795_411_800_000)

        var now: Int64 { time.withLock { $0 } }
        func advance(_ duration: Duration) { time.withLock { $0 += duration.components.seconds * 1000 } }
    }

    init(placing: DiskStorage.Placing = .linkOrRename) {
        root = NSTemporaryDirectory() + "etlx-store-\(UUID().uuidString)"
        let clock = Clock()
        self.clock = clock
        store = Store(DiskStorage(root: root, placing: placing), now: { clock.now })
    }

    /// A store that another process left behind.
    init(adopting root: String, clock: Clock) {
        self.root = root
        self.clock = clock
        store = Store(DiskStorage(root: root), now: { clock.now })
    }

    var files: FileSystem { FileSystem(root: root) }

    deinit { try? FileSystem(root: root).removeTree("") }

    static let module = "clinic"

    func stage(_ attempt: String, rows: Int64 = 3) throws -> [PartReceipt] {
        try Self.stage(attempt, in: store, rows: rows)
    }

    /// Parts of two tables, one with an odd name, staged as a worker would.
    static func stage(_ attempt: String, in store: Store, module: String = module, rows: Int64 = 3) throws
        -> [PartReceipt]
    {
        try [("patients", 0), ("patients", 1), ("odd /name\u{e9}", 0)].map { table, shard in
            let part = try store.stagePart(module: module, attempt: attempt, table: table, shard: shard, epoch: 1)
            try part.write(text: "PAR1 \(table) \(shard) of \(attempt)")
            try part.write(bytes: [1, 0, 0, 0] + Array("PAR1".utf8))
            let finished = try part.finish()
            return PartReceipt(
                table: table, shard: shard, epoch: 1, stagedPath: finished.stagedPath, byteCount: finished.byteCount,
                sha256: finished.sha256, rows: RowAccount(read: rows, published: rows), rules: [],
                handle: finished.handle)
        }
    }

    static let tables = ["patients", "odd /name\u{e9}", "empty"]

    static func describe(_ publication: Publication, _ receipts: [PartReceipt]) -> [MetadataFile] {
        let tables = CommitRecord.rows(tables: Self.tables, receipts: receipts)
        let protocolText = JSON.record(["publication": publication.json(tables: tables)]).text()
        return [
            MetadataFile(path: "croissant.json", bytes: Array("{\"version\":\(publication.version)}".utf8)),
            MetadataFile(path: "protocol.json", bytes: Array(protocolText.utf8)),
            MetadataFile(path: "lineage/start.json", bytes: Array("{}".utf8)),
        ]
    }

    func publish(
        attempt: String, receipts: [PartReceipt], policy: RacePolicy = .exclusive,
        reach: @escaping Publisher.Hook = { _ in }
    ) throws -> Published {
        try Self.publish(store, attempt, receipts, policy: policy, reach: reach)
    }

    static func publish(
        _ store: Store, module: String = module, _ attempt: String, _ receipts: [PartReceipt],
        policy: RacePolicy = .exclusive, committedAt: String = "2026-11-23T05:30:00Z", expiresAt: String? = nil,
        reach: @escaping Publisher.Hook = { _ in }
    ) throws -> Published {
        try Publisher(store: store, module: module, attempt: attempt, policy: policy, reach: reach).publish(
            tables: tables, receipts: receipts, committedAt: committedAt, committedBy: "etl-express test",
            expiresAt: expiresAt
        ) { describe($0, receipts) }
    }

    @discardableResult
    func publishNew(policy: RacePolicy = .exclusive, reach: @escaping Publisher.Hook = { _ in }) throws -> Published {
        let attempt = try store.beginAttempt(module: Self.module)
        return try publish(attempt: attempt, receipts: stage(attempt), policy: policy, reach: reach)
    }

    @discardableResult
    static func publishNew(
        _ store: Store, module: String = module, committedAt: String = "2026-11-23T05:30:00Z", expiresAt: String? = nil
    ) throws -> Published {
        let attempt = try store.beginAttempt(module: module)
        return try publish(
            store, module: module, attempt, stage(attempt, in: store, module: module), committedAt: committedAt,
            expiresAt: expiresAt)
    }

    func path(_ relative: String) -> String { "\(root)/\(relative)" }

    /// Replaces a file that is read-only, as somebody with rights might.
    func overwrite(_ path: String, _ bytes: [UInt8]) throws {
        try files.setMode(String(path[..<path.lastIndex(of: "/")!]), 0o755)
        try files.remove(path)
        try files.write(path, bytes)
    }

    func exists(_ relative: String) -> Bool { FileManager.default.fileExists(atPath: path(relative)) }
}

extension ByteSink {
    func write(text: String) throws { try write(bytes: Array(text.utf8)) }
    func write(bytes: [UInt8]) throws { try unsafe bytes.withUnsafeBytes { try unsafe write($0) } }
}

struct Stopped: Error {}
