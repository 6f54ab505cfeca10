import Model
import Synchronization

@testable import ModuleStore

/// A store that is no folder: files in memory, seen through views that may fail or wait before each operation.
final class MemoryStorage: Storage {
    final class Files: Sendable {
        let all = Mutex<[String: [UInt8]]>([:])
    }

    let files: Files
    let location: String
    let localFolder: String? = nil
    /// Called before each operation, outside of all locks.
    private let before: @Sendable () throws(StoreError) -> Void

    init(
        _ files: Files = Files(), location: String = "memory:/store",
        before: @escaping @Sendable () throws(StoreError) -> Void = {}
    ) {
        self.files = files
        self.location = location
        self.before = before
    }

    func names(_ folder: String) throws(StoreError) -> [String] {
        Set(try files(below: folder).map { String($0.prefix { $0 != "/" }) }).sorted()
    }

    func files(below folder: String) throws(StoreError) -> [String] {
        try before()
        let prefix = folder.isEmpty ? "" : "\(folder)/"
        return files.all.withLock { all in
            all.keys.filter { $0.hasPrefix(prefix) }.map { String($0.dropFirst(prefix.count)) }.sorted()
        }
    }

    func byteCount(_ path: String) throws(StoreError) -> Int64? {
        try before()
        return files.all.withLock { $0[path].map { Int64($0.count) } }
    }

    func read(_ path: String, limit: Int) throws(StoreError) -> [UInt8] {
        try before()
        guard let bytes = files.all.withLock({ $0[path] }) else { throw StoreError(.notFound, path, "no such file") }
        return bytes
    }

    func open(_ path: String) throws(StoreError) -> any ByteRange { Range(try read(path, limit: .max)) }

    func begin(module: String, attempt: String) throws(StoreError) { try before() }

    func stage(module: String, attempt: String, table: String, shard: Int, epoch: Int) throws(StoreError)
        -> any StagedPart
    {
        try before()
        let path = ModuleLayout.stagedPart(attempt: attempt, table: table, shard: shard, epoch: epoch)
        return Part(self, module, path)
    }

    func accept(_ parts: [AcceptedPart], module: String, attempt: String) throws(StoreError) {
        for part in parts {
            try before()
            let isThere = files.all.withLock { all in
                if let bytes = all["\(module)/\(part.stagedPath)"] { all[part.path] = bytes }
                return all[part.path].map { Int64($0.count) } == part.byteCount
            }
            guard isThere else { throw StoreError(.damaged, part.path, "the part is absent") }
        }
    }

    func describe(_ path: String, _ bytes: [UInt8], replaces: Bool) throws(StoreError) {
        if !replaces, try byteCount(path) != nil {
            guard try read(path, limit: .max) == bytes else { throw .describedOtherwise(path) }
            return
        }
        try write(path, bytes)
    }

    func write(_ path: String, _ bytes: [UInt8]) throws(StoreError) {
        try before()
        files.all.withLock { $0[path] = bytes }
    }

    func create(
        _ path: String, _ bytes: [UInt8], attempt: String, isInTime: () -> Bool, reach: (PublishStep) throws -> Void
    ) throws -> Creation {
        try reach(.recordWritten)
        guard isInTime() else { throw StoreError.tooLate(path) }
        try before()
        let creation = files.all.withLock { all -> Creation in
            if let there = all[path] { return there == bytes ? .wasThere : .taken }
            all[path] = bytes
            return .created
        }
        if case .taken = creation { return creation }
        try reach(.committed)
        try reach(.recordFlushed)
        return creation
    }

    func settle(_ folders: [String]) throws(StoreError) { try before() }
    func protect(_ folder: String) throws(StoreError) {}

    func remove(_ path: String) throws(StoreError) {
        try before()
        _ = files.all.withLock { $0.removeValue(forKey: path) }
    }

    /// File by file, as an object store would.
    func removeTree(_ folder: String) throws(StoreError) {
        for file in try files(below: folder) { try remove("\(folder)/\(file)") }
        try remove(folder)
    }

    private final class Range: ByteRange {
        private let bytes: [UInt8]
        init(_ bytes: [UInt8]) { self.bytes = bytes }
        var byteCount: Int64 { Int64(bytes.count) }
        func read(offset: Int64, count: Int) -> [UInt8] { Array(bytes.dropFirst(Int(offset)).prefix(count)) }
    }

    private final class Part: StagedPart {
        private let storage: MemoryStorage
        private let module: String
        private let path: String
        private var bytes: [UInt8] = []

        init(_ storage: MemoryStorage, _ module: String, _ path: String) {
            self.storage = storage
            self.module = module
            self.path = path
        }

        func write(_ bytes: UnsafeRawBufferPointer) { unsafe self.bytes.append(contentsOf: bytes) }

        func finish() throws(StoreError) -> FinishedPart {
            try storage.write("\(module)/\(path)", bytes)
            return FinishedPart(
                stagedPath: path, byteCount: Int64(bytes.count), sha256: FileDigest.hexadecimal(bytes))
        }

        func abandon() {}
    }
}
