package import Model

/// How far the copying of versions has come, in bytes.
package struct CopyProgress: Sendable, Equatable {
    package internal(set) var bytesDone: Int64 = 0
    package internal(set) var bytesTotal: Int64 = 0
}

/// A version that is in both stores now.
package struct CopiedVersion: Sendable, Equatable {
    package let record: CommitRecord
    /// The target had it before.
    package internal(set) var wasThere = false
    package internal(set) var isWithdrawn = false
    package internal(set) var filesCopied = 0
    /// Found there whole, from a copy that was cut short.
    package internal(set) var filesKept = 0
    package internal(set) var bytesCopied: Int64 = 0

    init(_ record: CommitRecord) { self.record = record }
}

extension Store {
    /// Brings one version into another store, without the versions before it.
    ///
    /// The files come first, each held against its digest as it goes by, the commit record last, byte for byte and only
    /// where its name is free: the version is there whole or not at all. Cut short, it carries on when repeated: what
    /// lies there whole is kept. Where the version before it is not there, a mark `_versions/<number>.pulled` says that
    /// the version stands alone, and `verify` does not ask for what came before.
    ///
    /// - Throws: `.notFound`; `.refused` for a withdrawn version, for another version under its number and for a store
    ///   that holds another history; `.damaged` when a source's file is not what its record says.
    /// - Cost: every byte is read once; parts go through in pieces of `Limits.bytesPerRead`.
    @discardableResult
    package func pull(
        module: String, version: Int, into target: Store, progress: (CopyProgress) -> Void = { _ in }
    ) throws -> CopiedVersion {
        if let tombstone = try tombstone(module: module, version: version) {
            throw StoreError(
                .refused, "\(module)@\(version)",
                "the version was withdrawn \(tombstone.withdrawnAt): \(tombstone.reason)")
        }
        let copy = try VersionCopy(from: self, to: target, module: module, version: version)
        var state = CopyProgress(bytesTotal: copy.record.bytes)
        return try copy.run(mayStandAlone: true) { count in
            state.bytesDone += count
            progress(state)
        }
    }

    /// The same into a folder, absolute, which becomes a store.
    @discardableResult
    package func pull(
        module: String, version: Int, into directory: String, progress: (CopyProgress) -> Void = { _ in }
    ) throws -> CopiedVersion {
        try pull(module: module, version: version, into: Store(directory: directory), progress: progress)
    }

    /// Brings versions into another store, in order and without gaps, so that its chain of records is this one's.
    ///
    /// Withdrawn versions go along as record, tombstone and description. Versions that are there already, byte for byte,
    /// are passed over; nothing is ever overwritten.
    ///
    /// - Parameter versions: nil for all.
    /// - Throws: as `pull`; `.refused` for a gap or a store in PostgreSQL; `.conflict` when a run publishes the same
    ///   number in the target meanwhile. Versions before the one that failed are there.
    package func copy(
        module: String, versions wanted: [Int]? = nil, to target: Store,
        progress: (CopyProgress) -> Void = { _ in }
    ) throws -> [CopiedVersion] {
        guard !target.location.hasPrefix("postgresql:") else {
            throw StoreError(
                .refused, target.location,
                "a store in PostgreSQL holds tables, not files: publish there with a pipeline's target instead")
        }
        let numbers = try wanted?.sorted() ?? versions(module: module)
        guard !numbers.isEmpty else { throw StoreError(.notFound, module, "no such module") }
        let copies = try numbers.map { try VersionCopy(from: self, to: target, module: module, version: $0) }
        var state = CopyProgress(bytesTotal: copies.reduce(0) { $0 + $1.record.bytes })
        return try copies.map { copy in
            let end = state.bytesDone + copy.record.bytes
            let copied = try copy.run(mayStandAlone: false) { count in
                state.bytesDone += count
                progress(state)
            }
            // A version that was there, or is withdrawn, needed fewer bytes than its record states.
            state.bytesDone = end
            progress(state)
            return copied
        }
    }

    /// Marks of copies or sweeps that began within `age`, with the attempts that they name; all marks without one.
    ///
    /// - Parameter folder: `ModuleLayout.copiesFolder` or `sweepsFolder`.
    func marks(in folder: String, of module: String, youngerThan age: Duration? = nil) throws(StoreError)
        -> [(mark: String, attempts: [String])]
    {
        var found: [(mark: String, attempts: [String])] = []
        for mark in try storage.names("\(module)/\(folder)")
        where AttemptID.milliseconds(mark) != nil && age.map({ self.age(attempt: mark) <= $0 }) ?? true {
            let attempts = try storage.names("\(module)/\(folder)/\(mark)")
                .filter { AttemptID.milliseconds($0) != nil }
            found.append((mark, attempts))
        }
        return found
    }
}
