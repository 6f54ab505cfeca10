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
    /// Takes a version's files away and leaves a tombstone with the reason. The number is never used again.
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
        let run = folderPath(record)
        let before = try storage.files(below: run)
        for name in try storage.names(run) where name != ModuleLayout.croissant {
            // A name is a file or a folder; the storage removes what it finds.
            try storage.removeTree("\(run)/\(name)")
        }
        let left = try storage.files(below: run)
        guard left.allSatisfy({ $0 == ModuleLayout.croissant }) else {
            throw StoreError(.inputOutput, run, "files are still there after their removal; withdraw again")
        }
        // Nothing is left to make durable where a listing shows nothing.
        if !left.isEmpty {
            try storage.settle([run])
            try storage.protect(run)
        }
        return Withdrawal(
            tombstone: first, wasWithdrawnBefore: wasThere, filesRemoved: before.count - left.count, filesLeft: left)
    }
}
