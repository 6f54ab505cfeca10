package import Model

extension Store {
    /// Names of the modules that have a version, sorted.
    package func modules() throws(StoreError) -> [String] {
        var found: [String] = []
        for name in try storage.names("") {
            guard (try? checkName(module: name)) != nil else { continue }
            if try !versions(module: name).isEmpty { found.append(name) }
        }
        return found
    }

    /// Version numbers of a module, ascending, withdrawn ones included; empty when there is no such module.
    package func versions(module: String) throws(StoreError) -> [Int] {
        try checkName(module: module)
        return try storage.names("\(module)/\(ModuleLayout.versionsFolder)")
            .compactMap { ModuleLayout.version(commitRecordName: $0) }.sorted()
    }

    /// The bytes whose digest the next version names.
    package func recordBytes(module: String, version: Int) throws(StoreError) -> [UInt8] {
        try checkName(module: module)
        return try storage.read(
            "\(module)/\(ModuleLayout.commitRecord(version: version))", limit: Limits.bytesPerRecord)
    }

    /// - Throws: `.notFound` when there is no such version, `.damaged` when its record cannot be read.
    package func record(module: String, version: Int) throws(StoreError) -> CommitRecord {
        let path = "\(module)/\(ModuleLayout.commitRecord(version: version))"
        let bytes = try recordBytes(module: module, version: version)
        guard let json = try? JSON.parse(bytes), let record = CommitRecord(json: json), record.module == module,
            record.version == version
        else { throw StoreError(.damaged, path, "no commit record of this version") }
        return record
    }

    package func isWithdrawn(module: String, version: Int) throws(StoreError) -> Bool {
        try storage.byteCount("\(module)/\(ModuleLayout.tombstone(version: version))") != nil
    }

    /// The newest version that is not withdrawn, or nil.
    package func latest(module: String) throws(StoreError) -> Int? {
        for version in try versions(module: module).reversed() {
            if try !isWithdrawn(module: module, version: version) { return version }
        }
        return nil
    }

    /// A file of a version, such as `croissant.json`; `path` is relative to the version's folder.
    package func readFile(_ record: CommitRecord, _ path: String) throws(StoreError) -> [UInt8] {
        try checkName(attempt: record.attempt)
        guard Sums.isInside(path) else { throw StoreError(.badName, record.module, "a path that leaves the version") }
        return try storage.read("\(folderPath(record))/\(path)", limit: Limits.bytesPerDescription)
    }

    /// A file of a version to be read in pieces.
    package func openFile(_ record: CommitRecord, _ path: String) throws(StoreError) -> any ByteRange {
        try checkName(attempt: record.attempt)
        guard Sums.isInside(path) else { throw StoreError(.badName, record.module, "a path that leaves the version") }
        return try storage.open("\(folderPath(record))/\(path)")
    }

    /// Where a version is: a folder, absolute if the store's path is, a bucket's form of it, or a database and schema.
    package func folder(_ record: CommitRecord) -> String {
        storage.place(module: record.module, attempt: record.attempt)
    }

    package func folder(_ record: CommitRecord, table: String) -> String {
        storage.place(module: record.module, attempt: record.attempt, table: table)
    }

    /// The same, relative to the store's root.
    func folderPath(_ record: CommitRecord) -> String { "\(record.module)/\(ModuleLayout.run(record.attempt))" }

    /// A hint for readers; it may be stale, and readers look further up. Whoever comes late, of whatever version, names the
    /// newest, and looks once more: a publisher that slept before it wrote sets right what it made stale.
    func writeHint(module: String) throws(StoreError) {
        var written = 0
        while let newest = try versions(module: module).last, newest > written {
            try writeHint(module: module, version: newest)
            written = newest
        }
    }

    private func writeHint(module: String, version: Int) throws(StoreError) {
        let hint = JSON.record([
            "module": .text(module), "version": .integer(Int64(version)),
            "commit": .text(ModuleLayout.commitRecord(version: version)),
        ])
        try storage.write("\(module)/\(ModuleLayout.latestHint)", Array(hint.text(isPretty: true).utf8))
        try storage.settle([module])
    }
}
