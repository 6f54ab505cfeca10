import Model

/// Something that is not as its record says.
package struct Finding: Sendable, Equatable, CustomStringConvertible {
    package enum Kind: String, Sendable {
        case missing, unexpected, changed, unreadable, brokenChain, inconsistent
    }

    package let kind: Kind
    /// Relative to the store.
    package let path: String
    package let detail: String

    package var description: String { "\(path): \(detail)" }
}

package struct Verification: Sendable, Equatable {
    package internal(set) var versions: [Int] = []
    package internal(set) var withdrawn: [Int] = []
    /// Fingerprints of the keys that signed these versions, by version.
    package internal(set) var signedBy: [Int: String] = [:]
    /// Brought here alone: the versions before them are elsewhere.
    package internal(set) var pulled: [Int] = []
    package internal(set) var files = 0
    package internal(set) var bytes: Int64 = 0
    package internal(set) var findings: [Finding] = []
    /// What was staged for published versions and is still there: no fault of theirs, and of no use to anybody.
    package internal(set) var leftovers: [Finding] = []

    package var isSound: Bool { findings.isEmpty }
}

extension Store {
    /// Compares a module with what its own records say, without network and without keys.
    ///
    /// The chain of commit records is always checked as a whole; the files of `version`, or of all versions when it is
    /// nil. Of a withdrawn version its description is checked, and that nothing else is left.
    ///
    /// - Parameters:
    ///   - signers: whose signature each version must have that is not withdrawn. Without them a signature that a record
    ///     names must be there and hold, whoever's it is.
    ///   - progress: told of bytes read since it was last told.
    /// - Cost: reads every byte once, through a buffer of fixed size.
    /// - Throws: `.notFound` when there is no such module or version. What is wrong with it is a finding, not an error.
    package func verify(
        module: String, version: Int? = nil, signers: AllowedSigners? = nil, progress: (Int64) -> Void = { _ in }
    ) throws(StoreError) -> Verification {
        let all = try versions(module: module)
        guard version.map({ all.contains($0) }) ?? !all.isEmpty else {
            throw StoreError(.notFound, version.map { "\(module)@\($0)" } ?? module, "no such version")
        }
        var result = Verification()
        let records = ChainCheck(store: self, module: module, all: all).run(&result)
        for number in all where version == nil || number == version {
            guard let record = records[number] else { continue }
            if (try? isWithdrawn(module: module, version: number)) == true {
                result.withdrawn.append(number)
                WithdrawnCheck(store: self, record: record).run(&result)
                continue
            }
            result.versions.append(number)
            VersionCheck(store: self, record: record, signers: signers).run(&result, progress)
        }
        return result
    }
}

/// The checks of one version's files.
private struct VersionCheck {
    let store: Store
    let record: CommitRecord
    let signers: AllowedSigners?

    private var folder: String { store.folderPath(record) }

    func run(_ result: inout Verification, _ progress: (Int64) -> Void) {
        guard let bytes = try? store.readFile(record, ModuleLayout.sums) else {
            // The list is gone, or the record was made to name another place.
            reportRecord("the commit record names a version without a list of digests", &result)
            return report(.missing, ModuleLayout.sums, "the list of digests is missing or cannot be read", &result)
        }
        if FileDigest.hexadecimal(bytes) != record.sums {
            report(.changed, ModuleLayout.sums, "the list of digests is not the one that was committed", &result)
            reportRecord("the commit record states another digest of \(ModuleLayout.sums) than it has", &result)
        }
        guard let sums = Sums(bytes: bytes) else {
            return report(.unreadable, ModuleLayout.sums, "this is no list of digests", &result)
        }
        var byteCount: Int64 = 0
        for line in sums.lines { byteCount += check(line, &result, progress) }
        let signature = SignatureCheck(store: store, record: record, signers: signers)
        result.findings += signature.findings(sums: bytes)
        result.signedBy[record.version] = record.signedBy
        let listed = Set(
            sums.lines.map(\.path) + [ModuleLayout.sums] + (record.signedBy == nil ? [] : [ModuleLayout.signature]))
        for path in (try? store.storage.files(below: folder)) ?? [] where !listed.contains(path) {
            report(.unexpected, path, "no digest of it was committed", &result)
        }
        if sums.lines.count != record.files || byteCount != record.bytes {
            reportRecord("the commit record states other numbers of files or bytes", &result)
        }
        if sums.lines.first(where: { $0.path == ModuleLayout.croissant })?.sha256 != record.croissantSHA256 {
            reportRecord("the commit record states another digest of \(ModuleLayout.croissant) than the list", &result)
        }
        checkPublication(&result)
        checkLeftovers(&result)
        result.files += sums.lines.count
        result.bytes += byteCount
    }

    /// Digest and form of one file; its size.
    private func check(_ line: Sums.Line, _ result: inout Verification, _ progress: (Int64) -> Void) -> Int64 {
        let path = "\(folder)/\(line.path)"
        do {
            let found = try FileMeasure.of(store.storage.open(path), reach: progress)
            if found.sha256 != line.sha256 {
                report(.changed, line.path, "its bytes are not those that were committed", &result)
            }
            if path.hasSuffix(".parquet"), !found.isParquet {
                report(.unreadable, line.path, "it does not begin and end as a Parquet file", &result)
            }
            return found.byteCount
        } catch let error as StoreError where error.code == .notFound {
            report(.missing, line.path, "the file is missing", &result)
            return 0
        } catch {
            report(.unreadable, line.path, "the file cannot be read", &result)
            return 0
        }
    }

    /// The last record's digest stands nowhere else; what it says beside digests is repeated in the protocol.
    private func checkPublication(_ result: inout Verification) {
        guard let bytes = try? store.readFile(record, ModuleLayout.protocolFile),
            let stated = try? JSON.parse(bytes)["publication"]
        else {
            return reportRecord(
                "nothing repeats what it says: \(ModuleLayout.protocolFile) is missing or another", &result)
        }
        let publication = Publication(
            module: record.module, version: record.version, attempt: record.attempt, parent: record.parent,
            committedAt: record.committedAt, committedBy: record.committedBy, expiresAt: record.expiresAt)
        if stated != publication.json(tables: record.tables) {
            reportRecord("the commit record says otherwise than \(ModuleLayout.protocolFile)", &result)
        }
    }

    /// A publisher may be at work between its record and the removal, so that this alone is no finding.
    private func checkLeftovers(_ result: inout Verification) {
        for path in (try? store.storage.leftovers(module: record.module, attempt: record.attempt)) ?? [] {
            result.leftovers.append(
                Finding(
                    kind: .unexpected, path: path,
                    detail:
                        "staged for version \(record.version), which is published; the next run removes it, or collect")
            )
        }
    }

    private func reportRecord(_ detail: String, _ result: inout Verification) {
        result.findings.append(.ofRecord(record, detail))
    }

    private func report(_ kind: Finding.Kind, _ path: String, _ detail: String, _ result: inout Verification) {
        result.findings.append(Finding(kind: kind, path: "\(folder)/\(path)", detail: detail))
    }
}
