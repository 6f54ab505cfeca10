import Model

/// Turns an attempt's accepted parts and its descriptions into the folder that a commit record can refer to.
///
/// Everything is on disk before the record is written: files first, then folders from the leaves up. Each step may be
/// repeated after a crash; nothing outside `runs/<attempt>` is touched.
struct Seal {
    let store: Store
    let module: String
    let attempt: String

    struct Sealed: Equatable {
        let files: Int
        let bytes: Int64
        let sums: String
        let croissant: String
        /// The fingerprint of the store's signing key, where it has one.
        let signedBy: String?
    }

    private var storage: any Storage { store.storage }
    private var run: String { "\(module)/\(ModuleLayout.run(attempt))" }

    /// Refuses receipts that do not account for their rows, that name one shard twice or another attempt's file.
    static func check(_ receipts: [PartReceipt], attempt: String) throws(StoreError) {
        var seen: [String: Set<Int>] = [:]
        for receipt in receipts {
            let part = ModuleLayout.part(table: receipt.table, shard: receipt.shard)
            guard receipt.rows.isBalanced else {
                throw StoreError(.unbalanced, part, "rows read are not the rows accounted for")
            }
            guard seen[receipt.table, default: []].insert(receipt.shard).inserted else {
                throw StoreError(.unbalanced, part, "two receipts for one shard")
            }
            let staged = ModuleLayout.stagedPart(
                attempt: attempt, table: receipt.table, shard: receipt.shard, epoch: receipt.epoch)
            guard receipt.stagedPath == staged else {
                throw StoreError(.damaged, part, "its receipt names a file of another attempt, shard or epoch")
            }
        }
    }

    /// Gives each accepted part its final place.
    func acceptParts(_ receipts: [PartReceipt]) throws(StoreError) {
        let run = run
        let parts = receipts.map { receipt in
            AcceptedPart(
                table: receipt.table, shard: receipt.shard, stagedPath: receipt.stagedPath, run: run,
                byteCount: receipt.byteCount, sha256: receipt.sha256, rows: receipt.rows.published,
                handle: receipt.handle)
        }
        try storage.accept(parts, module: module, attempt: attempt)
    }

    /// Writes the descriptions, `SHA256SUMS` and its signature where the store has a key, and flushes the run's folders.
    ///
    /// - Parameter replaces: as `Storage.describe` has it.
    func describe(_ descriptions: [MetadataFile], receipts: [PartReceipt], replaces: Bool) throws(StoreError) -> Sealed
    {
        var lines = receipts.map { receipt in
            Sums.Line(path: ModuleLayout.part(table: receipt.table, shard: receipt.shard), sha256: receipt.sha256)
        }
        var bytes = receipts.reduce(0) { $0 + $1.byteCount }
        var croissant: String?
        for file in descriptions {
            precondition(
                Sums.isInside(file.path) && !file.path.hasSuffix(".parquet")
                    && ![ModuleLayout.sums, ModuleLayout.signature].contains(file.path),
                "a description may not stand where data or digests are")
            try storage.describe("\(run)/\(file.path)", file.bytes, replaces: replaces)
            let digest = FileDigest.hexadecimal(file.bytes)
            if file.path == ModuleLayout.croissant { croissant = digest }
            lines.append(Sums.Line(path: file.path, sha256: digest))
            bytes += Int64(file.bytes.count)
        }
        guard let croissant else { preconditionFailure("a version is described by \(ModuleLayout.croissant)") }
        precondition(Set(lines.map(\.path)).count == lines.count, "two files of a version have one name")
        let sums = Sums(lines).bytes
        // Before the list, which is the last of a version's files.
        if let key = store.signingKey {
            try storage.describe("\(run)/\(ModuleLayout.signature)", key.signatureFile(of: sums), replaces: replaces)
        }
        try storage.describe("\(run)/\(ModuleLayout.sums)", sums, replaces: replaces)
        try flushFolders(lines.map(\.path))
        return Sealed(
            files: lines.count, bytes: bytes, sums: FileDigest.hexadecimal(sums), croissant: croissant,
            signedBy: store.signingKey?.fingerprint)
    }

    /// After the commit: nobody writes here any more.
    func protect() throws(StoreError) { try storage.protect(run) }

    private func flushFolders(_ paths: [String]) throws(StoreError) {
        try storage.settle(Self.folders(of: paths, in: run) + ["\(module)/\(ModuleLayout.runsFolder)", module])
    }

    /// The folders that hold these files, leaves first, the run's own last.
    static func folders(of paths: [String], in run: String) -> [String] {
        var found: Set<String> = [run]
        for path in paths {
            let segments = path.split(separator: "/").dropLast()
            for count in 0..<segments.count { found.insert("\(run)/\(segments[...count].joined(separator: "/"))") }
        }
        return found.sorted { ($0.utf8.count, $0) > ($1.utf8.count, $1) }
    }
}
