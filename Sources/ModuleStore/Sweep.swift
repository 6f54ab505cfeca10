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
    /// - Only attempts older than `age` by their ids, and none of `running`.
    /// - A run that any commit record refers to stays. If one record cannot be read, no run is removed at all.
    /// - A run that is being copied in stays as long as its mark is younger than `age` and `Limits.collectableAge`.
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
        func isOld(_ attempt: String) -> Bool {
            AttemptID.milliseconds(attempt) != nil && !busy.contains(attempt) && self.age(attempt: attempt) > age
        }
        // Candidates first, records after: a record written between the two then still protects its run.
        let staged = try storage.names("\(module)/\(ModuleLayout.stagingFolder)").filter(isOld)
        let runs = try storage.names("\(module)/\(ModuleLayout.runsFolder)").filter(isOld)
        let temporaries = try storage.names("\(module)/\(ModuleLayout.versionsFolder)").filter {
            $0.hasPrefix(".") && $0.hasSuffix(".tmp") && isOld(String($0.dropFirst().prefix { $0 != "." }))
        }
        let marks = try copyMarks(module: module).map(\.mark).filter { isOld($0) }
        for mark in marks {
            if !isRehearsal { try storage.removeTree("\(module)/\(ModuleLayout.copies(mark: mark))") }
            swept.copies.append(mark)
        }
        for attempt in staged {
            if !isRehearsal { try storage.removeTree("\(module)/\(ModuleLayout.staging(attempt))") }
            swept.staging.append(attempt)
        }
        for name in temporaries {
            if !isRehearsal { try storage.remove("\(module)/\(ModuleLayout.versionsFolder)/\(name)") }
            swept.temporaries.append(name)
        }
        var referenced: Set<String> = []
        for version in try versions(module: module) {
            referenced.insert(try record(module: module, version: version).attempt)
        }
        // A copy may have begun since the first look, over files that an older copy left.
        busy.formUnion(try copying(module: module, age))
        for attempt in runs where !referenced.contains(attempt) && !busy.contains(attempt) {
            if !isRehearsal { try storage.removeTree("\(module)/\(ModuleLayout.run(attempt))") }
            swept.runs.append(attempt)
        }
        return swept
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
        for (mark, attempts) in try copyMarks(module: module, youngerThan: max(age, Limits.collectableAge)) {
            found.insert(mark)
            found.formUnion(attempts)
        }
        return found
    }
}
