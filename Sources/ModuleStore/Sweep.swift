import Model

/// What a sweep removed, by attempt.
package struct Swept: Sendable, Equatable {
    package fileprivate(set) var staging: [String] = []
    package fileprivate(set) var runs: [String] = []
    package fileprivate(set) var temporaries: [String] = []
    /// Marks of copies that ended without a word.
    package fileprivate(set) var copies: [String] = []

    package var isEmpty: Bool { staging.isEmpty && runs.isEmpty && temporaries.isEmpty && copies.isEmpty }
}

extension Store {
    /// Removes what attempts left behind that never became versions, and staged parts of those that did.
    ///
    /// - Only attempts older than `age` by their ids, and none of `running`. What was staged for an attempt that is a
    ///   version goes whatever its age: nobody needs it any more.
    /// - A run that any commit record refers to stays. If one record cannot be read, no run is removed at all.
    /// - A run that is being copied in stays as long as its mark is younger than `age` and `Limits.collectableAge`; none is
    ///   copied in while a run of that name is being removed.
    /// - Below `Limits.collectableAge` an attempt that a cluster works on stays: its mark says so until the run is over.
    /// - Harmless when repeated. Harmless beside publishers if `age` is at least `Limits.collectableAge`: they do not
    ///   commit what is older. Below that the caller answers for `running` being all that may still commit.
    ///
    /// - Parameter isRehearsal: nothing is removed; the answer is what would be.
    package func sweep(
        module: String, olderThan age: Duration = Limits.orphanTime, running: Set<String> = [],
        isRehearsal: Bool = false
    ) throws(StoreError) -> Swept {
        precondition(age >= .zero, "an age is not negative")
        var swept = Swept()
        var busy = try copying(module: module, age).union(running)
        var open: Set<String> = []
        if age < Limits.collectableAge {
            for attempt in try storage.names("\(module)/\(ModuleLayout.stagingFolder)")
            where try isMarkedOpen(module, attempt) && self.age(attempt: attempt) <= Limits.collectableAge {
                open.insert(attempt)
            }
        }
        func isOld(_ attempt: String) -> Bool {
            AttemptID.milliseconds(attempt) != nil && !busy.contains(attempt) && !open.contains(attempt)
                && self.age(attempt: attempt) > age
        }
        // Candidates first, records after: a record written between the two then still protects its run.
        let staged = try storage.names("\(module)/\(ModuleLayout.stagingFolder)")
        let runs = try storage.names("\(module)/\(ModuleLayout.runsFolder)").filter(isOld)
        let temporaries = try storage.names("\(module)/\(ModuleLayout.versionsFolder)").filter {
            $0.hasPrefix(".") && $0.hasSuffix(".tmp") && isOld(String($0.dropFirst().prefix { $0 != "." }))
        }
        let marks = try self.marks(in: ModuleLayout.copiesFolder, of: module).map(\.mark).filter { isOld($0) }
        func removeStaging(_ attempt: String) throws(StoreError) {
            if !isRehearsal { try storage.removeTree("\(module)/\(ModuleLayout.staging(attempt))") }
            swept.staging.append(attempt)
        }
        for mark in marks {
            if !isRehearsal { try storage.removeTree("\(module)/\(ModuleLayout.copies(mark: mark))") }
            swept.copies.append(mark)
        }
        for mark in try self.marks(in: ModuleLayout.sweepsFolder, of: module).map(\.mark)
        where !isRehearsal && self.age(attempt: mark) > Limits.collectableAge {
            try storage.removeTree("\(module)/\(ModuleLayout.sweeps(mark: mark))")
        }
        for name in temporaries {
            if !isRehearsal { try storage.remove("\(module)/\(ModuleLayout.versionsFolder)/\(name)") }
            swept.temporaries.append(name)
        }
        // What was staged and never became a version needs no record to go.
        for attempt in staged where isOld(attempt) { try removeStaging(attempt) }
        // A copy may have begun since the first look, over files that an older copy left.
        busy.formUnion(try copying(module: module, age))
        var referenced = References(store: self, module: module)
        for attempt in staged where !isOld(attempt) && !busy.contains(attempt) {
            if try referenced.contain(attempt) { try removeStaging(attempt) }
        }
        for attempt in runs where !busy.contains(attempt) {
            // Right before, for each: removing the one before may have taken long.
            guard try !referenced.contain(attempt) else { continue }
            guard try isRehearsal ? true : removeRun(attempt, of: module, age, &referenced) else { continue }
            swept.runs.append(attempt)
        }
        return swept
    }

    /// Removes a run's files under a mark, unless somebody copies them in or has done so meanwhile.
    private func removeRun(
        _ attempt: String, of module: String, _ age: Duration, _ referenced: inout References
    ) throws(StoreError) -> Bool {
        let mark = newAttemptID()
        let folder = "\(module)/\(ModuleLayout.sweeps(mark: mark))"
        try storage.write("\(module)/\(ModuleLayout.sweep(mark: mark, of: attempt))", [])
        // In this order: a copy takes its mark down after its record is there. A copy that raises its mark after this look
        // sees ours, as long as ours is young.
        // One that fails below leaves its mark: a request to remove a file may still be on its way.
        let isCopied = try copying(module: module, age).contains(attempt)
        let isPublished = try referenced.contain(attempt)
        let isFree = !isCopied && !isPublished && self.age(attempt: mark) < Limits.attemptDeadline
        if isFree { try storage.removeTree("\(module)/\(ModuleLayout.run(attempt))") }
        try storage.removeTree(folder)
        return isFree
    }

    /// A cluster works on the attempt, or had begun to when all of its coordinators died.
    private func isMarkedOpen(_ module: String, _ attempt: String) throws(StoreError) -> Bool {
        try storage.byteCount("\(module)/\(ModuleLayout.openMark(attempt))") != nil
    }

    /// Removes what publishers that died right behind their commit record left staged.
    ///
    /// - Cost: one listing; where something is staged, every record of the module is read.
    func removeStagedOfVersions(module: String) throws(StoreError) {
        let staged = try storage.names("\(module)/\(ModuleLayout.stagingFolder)")
        guard !staged.isEmpty else { return }
        let copied = try copying(module: module, .zero)
        let done = try attemptsOfVersions(module: module).subtracting(copied)
        for attempt in staged where done.contains(attempt) {
            try storage.removeTree("\(module)/\(ModuleLayout.staging(attempt))")
        }
    }

    private func attemptsOfVersions(module: String) throws(StoreError) -> Set<String> {
        var found: Set<String> = []
        for version in try versions(module: module) {
            found.insert(try record(module: module, version: version).attempt)
        }
        return found
    }

    /// Removes an attempt that its coordinator gave up. A published one stays as it is.
    package func discard(module: String, attempt: String) throws(StoreError) {
        try checkName(module: module)
        try checkName(attempt: attempt)
        try storage.removeTree("\(module)/\(ModuleLayout.staging(attempt))")
        for version in try versions(module: module).reversed()
        where try record(module: module, version: version).attempt == attempt { return }
        try removeTemporaries(module: module, attempt: attempt)
        try storage.removeTree("\(module)/\(ModuleLayout.run(attempt))")
    }

    /// Records that writers of the attempt left half-way.
    func removeTemporaries(module: String, attempt: String) throws(StoreError) {
        let folder = "\(module)/\(ModuleLayout.versionsFolder)"
        for name in try storage.names(folder) where name.hasPrefix(".\(attempt).") && name.hasSuffix(".tmp") {
            try storage.remove("\(folder)/\(name)")
        }
    }

    /// Marks that are alive, and the attempts whose files they say are being copied in.
    private func copying(module: String, _ age: Duration) throws(StoreError) -> Set<String> {
        var found: Set<String> = []
        for (mark, attempts) in try marks(
            in: ModuleLayout.copiesFolder, of: module, youngerThan: max(age, Limits.collectableAge))
        {
            found.insert(mark)
            found.formUnion(attempts)
        }
        return found
    }
}

/// The attempts that versions are made of, as far as they were read.
private struct References {
    let store: Store
    let module: String
    private var attempts: Set<String> = []
    private var read: Set<Int> = []

    init(store: Store, module: String) {
        self.store = store
        self.module = module
    }

    /// - Cost: one listing, and the records that are new in it.
    mutating func contain(_ attempt: String) throws(StoreError) -> Bool {
        for version in try store.versions(module: module) where read.insert(version).inserted {
            attempts.insert(try store.record(module: module, version: version).attempt)
        }
        return attempts.contains(attempt)
    }
}
