import Model

extension LocalStore {
    /// Takes a version's files away and leaves a tombstone with the reason. The number is never used again.
    ///
    /// The tombstone comes first: a reader that meets missing files finds the reason. Repeating a withdrawal that was
    /// cut short carries on with it and keeps the first reason.
    ///
    /// - Throws: `.notFound` when there is no such version.
    package func withdraw(module: String, version: Int, reason: String, by actor: String, at time: String)
        throws(StoreError)
    {
        let record = try record(module: module, version: version)
        try checkName(attempt: record.attempt)
        let tombstone = JSON.record([
            "format": "etl-module-tombstone/1", "module": .text(module), "version": .integer(Int64(version)),
            "reason": .text(reason), "withdrawn_at": .text(time), "withdrawn_by": .text(actor),
        ])
        let folder = "\(module)/\(ModuleLayout.versionsFolder)"
        let temporary = "\(folder)/.\(record.attempt).tmp"
        try files.remove(temporary)
        try files.write(temporary, Array(tombstone.text(isPretty: true).utf8))
        _ = try files.place(
            temporary, at: "\(module)/\(ModuleLayout.tombstone(version: version))", by: placing)
        try files.flushFolder(folder)
        try files.remove(temporary)
        let run = "\(module)/\(ModuleLayout.run(record.attempt))"
        guard try files.status(run) != nil else { return }
        try files.setMode(run, 0o755)
        try files.removeTree("\(run)/data")
        for name in try files.names(run) where name != ModuleLayout.croissant { try files.removeTree("\(run)/\(name)") }
        try files.flushFolder(run)
        try files.setMode(run, 0o555)
    }
}
