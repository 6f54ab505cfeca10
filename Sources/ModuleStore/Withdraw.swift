import Model

/// What a withdrawal left behind.
package struct Withdrawal: Sendable, Equatable {
    package let tombstone: Tombstone
    /// The tombstone was there already: this call finished or repeated the withdrawal.
    package let wasWithdrawnBefore: Bool
    package let filesRemoved: Int
    /// Relative to the version's folder: what a listing shows after the removal.
    package let filesLeft: [String]
}

extension Store {
    /// Takes a version's files away, what was staged for it too, proves by listing that they are gone, and leaves a
    /// tombstone with the reason. The number is never used again.
    ///
    /// The tombstone comes first: a reader that meets missing files finds the reason. Repeating a withdrawal that was
    /// cut short, with the same reason, carries on with it. The description `croissant.json` stays: it holds no rows.
    ///
    /// - Throws: `.notFound` when there is no such version; `.refused` when it was withdrawn for another reason, which
    ///   the error tells; what the storage says.
    @discardableResult
    package func withdraw(module: String, version: Int, reason: String, by actor: String, at time: String) throws
        -> Withdrawal
    {
        let record = try record(module: module, version: version)
        try checkName(attempt: record.attempt)
        let commit = FileDigest.hexadecimal(try recordBytes(module: module, version: version))
        let wanted = Tombstone(
            module: module, version: version, reason: reason, withdrawnAt: time, withdrawnBy: actor,
            commitSHA256: commit)
        let path = "\(module)/\(ModuleLayout.tombstone(version: version))"
        var wasThere = try storage.byteCount(path) != nil
        if !wasThere {
            // An id of its own: two who withdraw at once must not share a temporary name.
            let created = try storage.create(path, wanted.bytesOfFile, attempt: newAttemptID())
            if case .taken = created { wasThere = true }
        }
        let first = wasThere ? try tombstone(module: module, version: version) ?? wanted : wanted
        guard first.reason == reason else {
            throw StoreError(
                .refused, "\(module)@\(version)",
                "withdrawn \(first.withdrawnAt) by \(first.withdrawnBy) for another reason: \(first.reason)")
        }
        let before = try filesAndLeftovers(of: record)
        try removeData(of: record)
        let after = try filesAndLeftovers(of: record)
        guard after.leftovers.isEmpty, after.files.allSatisfy({ $0 == ModuleLayout.croissant }) else {
            throw StoreError(
                .inputOutput, after.leftovers.first ?? folderPath(record),
                "files are still there after their removal; withdraw again")
        }
        return Withdrawal(
            tombstone: first, wasWithdrawnBefore: wasThere,
            filesRemoved: before.files.count + before.leftovers.count - after.files.count, filesLeft: after.files)
    }

    private func filesAndLeftovers(of record: CommitRecord) throws(StoreError) -> (files: [String], leftovers: [String])
    {
        (
            try storage.files(below: folderPath(record)),
            try storage.leftovers(module: record.module, attempt: record.attempt)
        )
    }

    /// All of the attempt but its description: what is published, and what a publisher that died behind its commit record
    /// left staged, which holds the same rows.
    private func removeData(of record: CommitRecord) throws(StoreError) {
        let (module, run) = (record.module, folderPath(record))
        // Data also where no file of it is listed any more: its tables or uploads may outlast an earlier withdrawal.
        for name in try storage.names(run) + ["data"] where name != ModuleLayout.croissant {
            // A name is a file or a folder; the storage removes what it finds.
            try storage.removeTree("\(run)/\(name)")
        }
        try storage.removeTree("\(module)/\(ModuleLayout.staging(record.attempt))")
        try removeTemporaries(module: module, attempt: record.attempt)
        // Nothing is left to make durable where a listing shows nothing.
        if try storage.names(module).contains(ModuleLayout.stagingFolder) {
            try storage.settle(["\(module)/\(ModuleLayout.stagingFolder)"])
        }
        if try !storage.names(run).isEmpty {
            try storage.settle([run])
            try storage.protect(run)
        }
    }
}
