import Model

extension Store {
    /// Takes a version's files away and leaves a tombstone with the reason. The number is never used again.
    ///
    /// The tombstone comes first: a reader that meets missing files finds the reason. Repeating a withdrawal that was
    /// cut short carries on with it and keeps the first reason.
    ///
    /// - Throws: `.notFound` when there is no such version; what the storage says.
    package func withdraw(module: String, version: Int, reason: String, by actor: String, at time: String)
        throws
    {
        let record = try record(module: module, version: version)
        try checkName(attempt: record.attempt)
        let tombstone = JSON.record([
            "format": "etl-module-tombstone/1", "module": .text(module), "version": .integer(Int64(version)),
            "reason": .text(reason), "withdrawn_at": .text(time), "withdrawn_by": .text(actor),
        ])
        let path = "\(module)/\(ModuleLayout.tombstone(version: version))"
        // One that is there keeps its reason: the withdrawal was cut short, or is repeated.
        if try storage.byteCount(path) == nil {
            _ = try storage.create(
                path, Array(tombstone.text(isPretty: true).utf8), attempt: record.attempt, reach: { _ in })
        }
        let run = folderPath(record)
        for name in try storage.names(run) where name != ModuleLayout.croissant {
            // A name is a file or a folder; the storage removes what it finds.
            try storage.removeTree("\(run)/\(name)")
        }
        try storage.settle([run])
        guard try storage.files(below: run).allSatisfy({ $0 == ModuleLayout.croissant }) else {
            throw StoreError(.inputOutput, run, "files are still there after their removal; withdraw again")
        }
        try storage.protect(run)
    }
}
