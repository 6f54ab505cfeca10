package import Model

/// What to do when another version took the number that an attempt was to get.
package enum RacePolicy: Sendable {
    /// Give up: two coordinators of one module are a configuration error.
    case exclusive
    /// Describe again on top of the other version and take the next number. Only where nobody else publishes the attempt.
    case rebase
}

/// The places where a publisher may die. A test's hook throws or kills at each of them.
package enum PublishStep: String, Sendable, CaseIterable {
    case started, partsAccepted, described, recordWritten, committed, recordFlushed, hinted, protected, stagingRemoved
}

package struct Published: Sendable, Equatable {
    package let record: CommitRecord
    /// Of the commit record's bytes.
    package let sha256: String
    /// An earlier try had committed the attempt already.
    package let wasCommittedBefore: Bool
}

/// Makes an attempt a version: descriptions and data first, then one atomic step.
///
/// The step is `Storage.create` of `_versions/<number>.json`, which either does not exist or is whole. A failure before it
/// leaves the last version untouched; after it the version is there, whatever else fails. Publishing the same attempt
/// again, on this or another process, is harmless: it is found committed or is carried on with.
package struct Publisher: Sendable {
    package typealias Hook = @Sendable (PublishStep) throws -> Void

    private let store: Store
    private let module: String
    private let attempt: String
    private let policy: RacePolicy
    private let reach: Hook

    package init(
        store: Store, module: String, attempt: String, policy: RacePolicy = .exclusive,
        reach: @escaping Hook = { _ in }
    ) {
        self.store = store
        self.module = module
        self.attempt = attempt
        self.policy = policy
        self.reach = reach
    }

    private enum Outcome { case committed, lost }

    /// - Parameters:
    ///   - tables: all tables of the module in order; those without receipts have no rows.
    ///   - receipts: the accepted ones, one a shard.
    ///   - committedAt: RFC 3339, UTC.
    ///   - willCommit: called with each record before it may become visible, to keep it.
    ///   - notes: what places that keep tables say of them.
    ///   - describe: the files that describe the version; called again with the next number after a lost race.
    /// - Throws: `StoreError`, or what `willCommit` and `describe` throw. After an error at or behind the commit itself
    ///   the outcome is unknown until the same attempt is published again.
    package func publish(
        tables: [String], receipts: [PartReceipt], notes: [TableNote] = [], committedAt: String, committedBy: String,
        expiresAt: String?, willCommit: (CommitRecord) throws -> Void = { _ in },
        describe: (Publication) throws -> [MetadataFile]
    ) throws -> Published {
        try store.checkName(module: module)
        try store.checkName(attempt: attempt)
        try Seal.check(receipts, attempt: attempt)
        let seal = Seal(store: store, module: module, attempt: attempt)
        try reach(.started)
        if let earlier = try committedBefore() {
            try finishUp(earlier.record)
            return earlier
        }
        try checkAge()
        try seal.acceptParts(receipts)
        try store.storage.annotate(notes, module: module, attempt: attempt)
        try reach(.partsAccepted)
        for _ in 0..<Limits.rebasesPerPublication {
            let parent = try head()
            let publication = Publication(
                module: module, version: (parent?.version ?? 0) + 1, attempt: attempt, parent: parent,
                committedAt: committedAt, committedBy: committedBy, expiresAt: expiresAt)
            let sealed = try seal.describe(
                try describe(publication), receipts: receipts, replaces: policy == .rebase)
            try reach(.described)
            let record = CommitRecord(
                module: module, version: publication.version, attempt: attempt, files: sealed.files,
                bytes: sealed.bytes, sums: sealed.sums, croissantSHA256: sealed.croissant,
                tables: CommitRecord.rows(tables: tables, receipts: receipts), parent: parent,
                committedAt: committedAt, committedBy: committedBy, expiresAt: expiresAt)
            try willCommit(record)
            // Describing may have taken long, and a sweeper counts on nobody committing after the deadline.
            try checkAge()
            switch try commit(record) {
            case .committed:
                try finishUp(record)
                return Published(
                    record: record, sha256: FileDigest.hexadecimal(record.bytesOfFile), wasCommittedBefore: false)
            case .lost where policy == .rebase:
                continue
            case .lost:
                throw StoreError(
                    .conflict, "\(module)/\(ModuleLayout.commitRecord(version: record.version))",
                    "another run published this version first")
            }
        }
        throw StoreError(.conflict, module, "other runs published versions all the time")
    }

    private func checkAge() throws(StoreError) {
        guard store.age(attempt: attempt) < Limits.attemptDeadline else {
            throw StoreError(.attemptEnded, "\(module)/\(attempt)", "the attempt began too long ago to be published")
        }
    }

    /// The last version with its record's digest, as the next one names it.
    private func head() throws -> CommitRecord.Parent? {
        guard let version = try store.versions(module: module).last else { return nil }
        let bytes = try store.recordBytes(module: module, version: version)
        return CommitRecord.Parent(version: version, commitSHA256: FileDigest.hexadecimal(bytes))
    }

    /// The version that an earlier try of this attempt published.
    private func committedBefore() throws -> Published? {
        // An attempt without a run folder has never come as far as a record.
        guard try !store.storage.names("\(module)/\(ModuleLayout.run(attempt))").isEmpty else { return nil }
        for version in try store.versions(module: module).reversed() {
            let bytes = try store.recordBytes(module: module, version: version)
            guard let record = try? CommitRecord(json: JSON.parse(bytes)), record.attempt == attempt else { continue }
            return Published(record: record, sha256: FileDigest.hexadecimal(bytes), wasCommittedBefore: true)
        }
        return nil
    }

    private func commit(_ record: CommitRecord) throws -> Outcome {
        let path = "\(module)/\(ModuleLayout.commitRecord(version: record.version))"
        return switch try store.storage.create(path, record.bytesOfFile, attempt: attempt, reach: reach) {
        case .created, .wasThere: .committed
        case .taken: .lost
        }
    }

    private func finishUp(_ record: CommitRecord) throws { try store.finishUp(record, reach: reach) }
}

extension Store {
    /// Conveniences behind the commit. None of them decides anything, so none of their failures is reported.
    fileprivate func finishUp(_ record: CommitRecord, reach: Publisher.Hook) throws {
        let (module, attempt) = (record.module, record.attempt)
        try? writeHint(module: module, version: record.version)
        try reach(.hinted)
        try? Seal(store: self, module: module, attempt: attempt).protect()
        try reach(.protected)
        try? storage.removeTree("\(module)/\(ModuleLayout.staging(attempt))")
        try reach(.stagingRemoved)
    }

    /// Sends a record again whose first answer was lost with its sender.
    ///
    /// - Returns: whether it is the version it names; false when another took the number.
    /// - Throws: `.unknown` and what the storage says; the same call is to be repeated then.
    package func repeatCommit(_ record: CommitRecord) throws -> Bool {
        try checkName(module: record.module)
        try checkName(attempt: record.attempt)
        let path = "\(record.module)/\(ModuleLayout.commitRecord(version: record.version))"
        // After the deadline a sweep may have taken the files, and a store that was made anew at the same place never had
        // them: what is not a version by now does not become one.
        guard age(attempt: record.attempt) < Limits.attemptDeadline, try holdsFiles(of: record) else {
            return try storage.byteCount(path) != nil
                && recordBytes(module: record.module, version: record.version) == record.bytesOfFile
        }
        switch try storage.create(path, record.bytesOfFile, attempt: record.attempt, reach: { _ in }) {
        case .created, .wasThere:
            // The sender died somewhere in these.
            try finishUp(record, reach: { _ in })
            return true
        case .taken: return false
        }
    }

    /// Whether the list of digests lies there that the record names; it was written after everything that it lists.
    private func holdsFiles(of record: CommitRecord) throws(StoreError) -> Bool {
        do throws(StoreError) {
            return FileDigest.hexadecimal(try readFile(record, ModuleLayout.sums)) == record.sums
        } catch  where error.code == .notFound {
            return false
        }
    }
}
