import Glibc
import Model

/// Modules in folders of one file system: staging for workers, versions for readers.
///
/// Every path that an error names is relative to the store's folder. The folder of a module lies on one file system.
package struct LocalStore: Sendable {
    package let root: String
    let files: FileSystem
    let placing: Placing
    /// Unix time in milliseconds.
    let now: @Sendable () -> Int64

    /// How a finished file gets its final name. Tests force the second.
    package enum Placing: Sendable { case linkOrRename, renameOnly }

    package init(
        root: String, placing: Placing = .linkOrRename, now: @escaping @Sendable () -> Int64 = LocalStore.systemTime
    ) {
        self.root = root
        self.files = FileSystem(root: root)
        self.placing = placing
        self.now = now
    }

    package static func systemTime() -> Int64 {
        var time = timespec()
        unsafe clock_gettime(CLOCK_REALTIME, &time)
        return Int64(time.tv_sec) * 1000 + Int64(time.tv_nsec) / 1_000_000
    }

    /// Makes the folders of a module and of a new attempt in it; they are on disk when this returns.
    ///
    /// - Throws: `.badName` for a module name that is not `[a-z][a-z0-9-]{0,62}`, and what the disk says.
    /// - Returns: the attempt's id, unique, sorting by time.
    package func beginAttempt(module: String) throws(StoreError) -> String {
        try checkName(module: module)
        var random = SystemRandomNumberGenerator()
        let attempt = AttemptID.make(milliseconds: now(), random: (random.next(), random.next()))
        try files.makeRoot()
        for folder in [ModuleLayout.versionsFolder, ModuleLayout.runsFolder, ModuleLayout.staging(attempt)] {
            try files.makeFolder("\(module)/\(folder)")
        }
        try files.flushFolder("\(module)/\(ModuleLayout.stagingFolder)")
        try files.flushFolder(module)
        try files.flushFolder("")
        return attempt
    }

    /// A part that a worker writes. One file an epoch: a worker that is late writes to a name nobody reads.
    ///
    /// - Throws: `.attemptEnded` when the attempt's folder is gone; `.alreadyExists` when this epoch has a file.
    package func stagePart(module: String, attempt: String, table: String, shard: Int, epoch: Int)
        throws(StoreError) -> StagedPart
    {
        try checkName(module: module)
        try checkName(attempt: attempt)
        precondition(shard >= 0 && epoch >= 0, "shards and epochs count from zero")
        guard try files.status("\(module)/\(ModuleLayout.staging(attempt))") != nil else {
            throw StoreError(.attemptEnded, "\(module)/\(attempt)", "the attempt is over")
        }
        let path = ModuleLayout.stagedPart(attempt: attempt, table: table, shard: shard, epoch: epoch)
        return try StagedPart(files: files, module: module, path: path)
    }

    func checkName(module: String) throws(StoreError) {
        let bytes = Array(module.utf8)
        let isGood =
            (1...63).contains(bytes.count) && (0x61...0x7a).contains(bytes[0])
            && bytes.allSatisfy { (0x61...0x7a).contains($0) || (0x30...0x39).contains($0) || $0 == 0x2d }
        guard isGood else { throw StoreError(.badName, "module", "a module's name is [a-z][a-z0-9-]{0,62}") }
    }

    func checkName(attempt: String) throws(StoreError) {
        guard AttemptID.milliseconds(attempt) != nil else {
            throw StoreError(.badName, "attempt", "an attempt's name is a UUID of version 7")
        }
    }

    func age(attempt: String) -> Duration {
        .milliseconds(now() - (AttemptID.milliseconds(attempt) ?? 0))
    }
}
