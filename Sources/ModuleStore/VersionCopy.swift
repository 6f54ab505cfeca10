import Model

/// One version on its way from one store into another.
///
/// In the target a mark goes up before the first file and comes down after the record: between the two a sweep leaves
/// the files alone, however old the version is. A sweep that was at them before goes first. What an older copy left is
/// carried on with: each of its files is held against its digest.
struct VersionCopy {
    let source: Store
    let target: Store
    let module: String
    let version: Int
    let record: CommitRecord
    private let recordBytes: [UInt8]

    init(from source: Store, to target: Store, module: String, version: Int) throws(StoreError) {
        self.source = source
        self.target = target
        self.module = module
        self.version = version
        record = try source.record(module: module, version: version)
        recordBytes = try source.recordBytes(module: module, version: version)
        try source.checkName(attempt: record.attempt)
    }

    private var name: String { "\(module)@\(version)" }
    private var run: String { "\(module)/\(ModuleLayout.run(record.attempt))" }
    private var recordPath: String { "\(module)/\(ModuleLayout.commitRecord(version: version))" }

    /// - Parameters:
    ///   - mayStandAlone: the version before this one need not be in the target.
    ///   - reach: told of bytes that are in the target now.
    func run(mayStandAlone: Bool, reach: (Int64) -> Void) throws -> CopiedVersion {
        var copied = CopiedVersion(record)
        let tombstone = try source.tombstone(module: module, version: version)
        copied.isWithdrawn = tombstone != nil
        if try isThere() {
            // One that died right behind its record left this undone.
            finishUp()
            copied.wasThere = true
            return copied
        }
        let standsAlone = try checkChain(mayStandAlone: mayStandAlone)
        let lines = try tombstone == nil ? listedFiles() : descriptionAlone()

        try target.storage.begin(module: module, attempt: record.attempt)
        let mark = try raiseMark()
        for line in lines { try FileCopy(version: self, line: line).run(&copied, reach) }
        if tombstone == nil { try copySums() }
        try settle(lines.map(\.path))
        // Before the record: a withdrawn version is never seen as one that lost its files.
        if tombstone != nil {
            let path = ModuleLayout.tombstone(version: version)
            let bytes = try source.storage.read("\(module)/\(path)", limit: Limits.bytesPerRecord)
            try create(path, bytes, mark)
        }
        if standsAlone { try note(mark) }
        guard target.age(attempt: mark) < Limits.attemptDeadline else {
            throw StoreError(.attemptEnded, name, "the copy began too long ago to be finished")
        }
        try create(ModuleLayout.commitRecord(version: version), recordBytes, mark)
        finishUp()
        return copied
    }

    // MARK: What is there

    private func isThere() throws(StoreError) -> Bool {
        guard try target.storage.byteCount(recordPath) != nil else { return false }
        guard try target.recordBytes(module: module, version: version) == recordBytes else {
            throw StoreError(.refused, name, "the target has another version under this number; nothing is overwritten")
        }
        return true
    }

    /// Whether the record will be without the one that it names as its parent.
    private func checkChain(mayStandAlone: Bool) throws(StoreError) -> Bool {
        let there = try target.versions(module: module)
        let otherHistory = StoreError(.refused, name, "the target holds another history of \(module)")
        if let next = there.first(where: { $0 > version }) {
            guard mayStandAlone else {
                throw StoreError(
                    .refused, name, "the target is at version \(next) already and lacks this one: a gap is not filled")
            }
            let parent = try target.record(module: module, version: next).parent
            if parent?.version == version, parent?.commitSHA256 != FileDigest.hexadecimal(recordBytes) {
                throw otherHistory
            }
        }
        guard let parent = record.parent else { return false }
        guard there.contains(parent.version) else {
            guard mayStandAlone else {
                throw StoreError(
                    .refused, name,
                    "the target has no version \(parent.version): copy the versions in order, or pull this one alone")
            }
            return true
        }
        let found = FileDigest.hexadecimal(try target.recordBytes(module: module, version: parent.version))
        guard found == parent.commitSHA256 else { throw otherHistory }
        return false
    }

    private func listedFiles() throws -> [Sums.Line] {
        let bytes = try source.readFile(record, ModuleLayout.sums)
        guard FileDigest.hexadecimal(bytes) == record.sums, let sums = Sums(bytes: bytes) else {
            throw StoreError(
                .damaged, "\(run)/\(ModuleLayout.sums)", "the list of digests is not the one that was committed")
        }
        return sums.lines
    }

    /// What a withdrawal leaves of a version, where it left it.
    private func descriptionAlone() throws(StoreError) -> [Sums.Line] {
        guard try source.storage.byteCount("\(run)/\(ModuleLayout.croissant)") != nil else { return [] }
        return [Sums.Line(path: ModuleLayout.croissant, sha256: record.croissantSHA256)]
    }

    // MARK: Steps

    private func raiseMark() throws(StoreError) -> String {
        let mark = target.newAttemptID()
        try target.storage.write(
            "\(module)/\(ModuleLayout.copy(mark: mark, of: record.attempt))", Array("\(name)\n".utf8))
        // Only now: a sweep that raises its mark after this look sees ours.
        let sweeps = try target.marks(
            in: ModuleLayout.sweepsFolder, of: module, youngerThan: Limits.collectableAge)
        guard !sweeps.contains(where: { $0.attempts.contains(record.attempt) }) else {
            try target.storage.removeTree("\(module)/\(ModuleLayout.copies(mark: mark))")
            throw StoreError(
                .refused, run,
                "a sweep is removing what an earlier copy left here: copy again when it has ended, or four days after it died"
            )
        }
        return mark
    }

    /// The list of digests, which was held against the record, and its signature, which holds for it.
    private func copySums() throws(StoreError) {
        let sums = try source.readFile(record, ModuleLayout.sums)
        if let key = record.signedBy {
            let file = try source.readFile(record, ModuleLayout.signature)
            guard let signature = SSHSignature(file: file), signature.isValid(for: sums), signature.fingerprint == key
            else {
                throw StoreError(.damaged, "\(run)/\(ModuleLayout.signature)", "this is not the version's signature")
            }
            try target.storage.write("\(run)/\(ModuleLayout.signature)", file)
        }
        try target.storage.write("\(run)/\(ModuleLayout.sums)", sums)
    }

    private func note(_ mark: String) throws {
        let note = JSON.record([
            "format": "etl-module-pulled/1", "module": .text(module), "version": .integer(Int64(version)),
            "from": .text(source.location), "commit_sha256": .text(FileDigest.hexadecimal(recordBytes)),
        ])
        try target.storage.write(
            "\(module)/\(ModuleLayout.pulledMark(version: version))", Array(note.text(isPretty: true).utf8))
    }

    private func create(_ path: String, _ bytes: [UInt8], _ mark: String) throws {
        let created = try target.storage.create("\(module)/\(path)", bytes, attempt: mark)
        if case .taken = created {
            throw StoreError(
                .conflict, "\(module)/\(path)", "a run published or withdrew this version in the target meanwhile")
        }
    }

    private func settle(_ paths: [String]) throws(StoreError) {
        let folders = paths.isEmpty ? [] : Seal.folders(of: paths, in: run)
        try target.storage.settle(
            folders + ["\(module)/\(ModuleLayout.runsFolder)", "\(module)/\(ModuleLayout.versionsFolder)", module, ""])
    }

    /// Conveniences behind the record, as a publisher's: none of them decides anything.
    private func finishUp() {
        try? target.writeHint(module: module)
        try? target.storage.protect(run)
        try? target.storage.removeTree("\(module)/\(ModuleLayout.staging(record.attempt))")
        // The marks of tries that were cut short too: the record protects the files from now on.
        let marks =
            (try? target.marks(in: ModuleLayout.copiesFolder, of: module))?.filter { $0.attempts == [record.attempt] }
            .map(\.mark) ?? []
        for mark in marks { try? target.storage.removeTree("\(module)/\(ModuleLayout.copies(mark: mark))") }
    }
}
