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
    /// - Throws: `StoreError`, or what `willCommit` and `describe` throw. `.unknown`: the record of the last `willCommit`
    ///   may be the version, or may yet become it. After any other error it is not and does not.
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
                committedAt: committedAt, committedBy: committedBy, expiresAt: expiresAt, signedBy: sealed.signedBy)
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
        guard store.isInTime(attempt) else { throw .tooLate("\(module)/\(attempt)") }
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
        let creation = try store.storage.create(
            path, record.bytesOfFile, attempt: attempt, isInTime: { store.isInTime(attempt) }, reach: reach)
        return switch creation {
        case .created, .wasThere: .committed
        case .taken: .lost
        }
    }

    private func finishUp(_ record: CommitRecord) throws { try store.finishUp(record, reach: reach) }
}

/// What became of a record that was sent, as the store says it.
package enum CommitFate: Sendable, Equatable {
    /// It is the version that it names.
    case version
    /// It is not, and cannot become it.
    case never(NoVersion)
    /// The number is free, and the record may not be sent again; what was sent before may still land. Nothing is removed.
    case open
}

extension Store {
    /// Before its deadline an attempt may be committed.
    package func isInTime(_ attempt: String) -> Bool { age(attempt: attempt) < Limits.attemptDeadline }

    /// Conveniences behind the commit. None of them decides anything, so none of their failures is reported.
    fileprivate func finishUp(_ record: CommitRecord, reach: Publisher.Hook) throws {
        let (module, attempt) = (record.module, record.attempt)
        try? writeHint(module: module)
        try reach(.hinted)
        try? Seal(store: self, module: module, attempt: attempt).protect()
        try reach(.protected)
        try? storage.removeTree("\(module)/\(ModuleLayout.staging(attempt))")
        try reach(.stagingRemoved)
    }

    /// Sends a record again whose first answer was lost with its sender.
    ///
    /// - Throws: `.unknown` and what the storage says; the same call is to be repeated then.
    package func repeatCommit(_ record: CommitRecord) throws -> CommitFate {
        try checkName(module: record.module)
        try checkName(attempt: record.attempt)
        let path = "\(record.module)/\(ModuleLayout.commitRecord(version: record.version))"
        // After the deadline a sweep may take the files, and a store that was made anew at the same place never had them.
        guard isInTime(record.attempt), try holdsFiles(of: record) else { return try fate(of: record, at: path) }
        let creation: Creation
        do {
            creation = try storage.create(
                path, record.bytesOfFile, attempt: record.attempt, isInTime: { isInTime(record.attempt) },
                reach: { _ in })
        } catch let error as StoreError where error.code == .attemptEnded {
            return try fate(of: record, at: path)
        }
        guard creation != .taken else { return try fate(of: record, at: path) }
        // The sender died somewhere in these.
        try finishUp(record, reach: { _ in })
        return .version
    }

    /// Without sending anything. A number that is free proves nothing while a request of before may be under way.
    private func fate(of record: CommitRecord, at path: String) throws(StoreError) -> CommitFate {
        guard try storage.byteCount(path) != nil else {
            return age(attempt: record.attempt) > Limits.collectableAge ? .never(.expired) : .open
        }
        let found = try recordBytes(module: record.module, version: record.version)
        guard found == record.bytesOfFile else {
            return .never(.taken(commitSHA256: FileDigest.hexadecimal(found)))
        }
        return .version
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
