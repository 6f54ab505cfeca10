import Model

/// What a sweep removed, by attempt.
package struct Swept: Sendable, Equatable {
    package fileprivate(set) var staging: [String] = []
    package fileprivate(set) var runs: [String] = []
    package fileprivate(set) var temporaries: [String] = []
}

extension Store {
    /// Removes what attempts left behind that never became versions, and staged parts of those that did.
    ///
    /// - Only attempts older than `age` by their ids, and none of `running`.
    /// - A run that any commit record refers to stays. If one record cannot be read, no run is removed at all.
    /// - Harmless when repeated and beside publishers: `age` is well above `Limits.attemptDeadline`.
    package func sweep(
        module: String, olderThan age: Duration = Limits.orphanTime, running: Set<String> = []
    ) throws(StoreError) -> Swept {
        precondition(age >= .zero, "an age is not negative")
        var swept = Swept()
        func isOld(_ attempt: String) -> Bool {
            AttemptID.milliseconds(attempt) != nil && !running.contains(attempt) && self.age(attempt: attempt) > age
        }
        // Candidates first, records after: a record written between the two then still protects its run.
        let staged = try storage.names("\(module)/\(ModuleLayout.stagingFolder)").filter(isOld)
        let runs = try storage.names("\(module)/\(ModuleLayout.runsFolder)").filter(isOld)
        let temporaries = try storage.names("\(module)/\(ModuleLayout.versionsFolder)").filter {
            $0.hasPrefix(".") && $0.hasSuffix(".tmp") && isOld(String($0.dropFirst().dropLast(4)))
        }
        for attempt in staged {
            try storage.removeTree("\(module)/\(ModuleLayout.staging(attempt))")
            swept.staging.append(attempt)
        }
        for name in temporaries {
            try storage.remove("\(module)/\(ModuleLayout.versionsFolder)/\(name)")
            swept.temporaries.append(name)
        }
        var referenced: Set<String> = []
        for version in try versions(module: module) {
            referenced.insert(try record(module: module, version: version).attempt)
        }
        for attempt in runs where !referenced.contains(attempt) {
            try storage.removeTree("\(module)/\(ModuleLayout.run(attempt))")
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
        try storage.remove("\(module)/\(ModuleLayout.versionsFolder)/.\(attempt).tmp")
        try storage.removeTree("\(module)/\(ModuleLayout.run(attempt))")
    }
}
