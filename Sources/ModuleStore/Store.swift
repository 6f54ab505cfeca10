internal import Foundation
internal import Glibc
internal import Model

/// Modules in a storage: staging for workers, versions for readers. The rules of versions live here, whatever the storage.
///
/// Every path that an error names is relative to the store's root.
package struct Store: Sendable {
    package let storage: any Storage
    /// Unix time in milliseconds.
    let now: @Sendable () -> Int64
    /// Signs what is published here; nil: nothing is signed.
    let signingKey: SigningKey?

    package init(
        _ storage: any Storage, signingKey: SigningKey? = nil, now: @escaping @Sendable () -> Int64 = Store.systemTime
    ) {
        self.storage = storage
        self.signingKey = signingKey
        self.now = now
    }

    /// The same store, whose versions are signed from now on.
    package func signing(with key: SigningKey?) -> Store { Store(storage, signingKey: key, now: now) }

    /// A store in a folder, absolute.
    package init(directory: String) { self.init(DiskStorage(root: directory)) }

    package var location: String { storage.location }

    package static func systemTime() -> Int64 {
        var time = timespec()
        unsafe clock_gettime(CLOCK_REALTIME, &time)
        return Int64(time.tv_sec) * 1000 + Int64(time.tv_nsec) / 1_000_000
    }

    /// Makes room for a new attempt of a module; it is safe when this returns.
    ///
    /// - Parameter isShared: coordinators elsewhere work on it, whose ledger a collector in the same folder does not know.
    ///   A mark beside its staged parts says so, and goes with them; see `sweep`.
    /// - Throws: `.badName` for a module name that is not `[a-z][a-z0-9-]{0,62}`, and what the storage says.
    /// - Returns: the attempt's id, unique, sorting by time.
    package func beginAttempt(module: String, isShared: Bool = false) throws(StoreError) -> String {
        try checkName(module: module)
        // A convenience: what cannot be removed now is told by `verify`.
        try? removeStagedOfVersions(module: module)
        let attempt = newAttemptID()
        try storage.begin(module: module, attempt: attempt)
        // Elsewhere nothing young is collected, whoever asks.
        if isShared, storage.localFolder != nil {
            try storage.write("\(module)/\(ModuleLayout.openMark(attempt))", [])
            try storage.settle(["\(module)/\(ModuleLayout.staging(attempt))"])
        }
        return attempt
    }

    func newAttemptID() -> String {
        var random = SystemRandomNumberGenerator()
        return AttemptID.make(milliseconds: now(), random: (random.next(), random.next()))
    }

    /// A part that a worker writes. One place an epoch: a worker that is late writes where nobody reads.
    ///
    /// - Throws: `.attemptEnded` when the attempt is gone; `.alreadyExists` when this epoch has a part.
    package func stagePart(module: String, attempt: String, table: String, shard: Int, epoch: Int)
        throws(StoreError) -> any StagedPart
    {
        try checkName(module: module)
        try checkName(attempt: attempt)
        precondition(shard >= 0 && epoch >= 0, "shards and epochs count from zero")
        return try storage.stage(module: module, attempt: attempt, table: table, shard: shard, epoch: epoch)
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
