import Model

/// The checks of a module's commit records: each as it was written, each naming the one before it by number and digest.
///
/// Numbers have no gaps. Only a version that was pulled alone may lack the one before it; its mark repeats its digest.
struct ChainCheck {
    let store: Store
    let module: String
    /// Ascending.
    let all: [Int]

    /// The records that can be read, by their versions.
    func run(_ result: inout Verification) -> [Int: CommitRecord] {
        var records: [Int: CommitRecord] = [:]
        var previous: (version: Int, digest: String)?
        for number in all {
            func report(_ kind: Finding.Kind, _ detail: String) {
                let path = "\(module)/\(ModuleLayout.commitRecord(version: number))"
                result.findings.append(Finding(kind: kind, path: path, detail: detail))
            }
            guard let bytes = try? store.recordBytes(module: module, version: number) else {
                report(.unreadable, "the commit record cannot be read")
                continue
            }
            let digest = FileDigest.hexadecimal(bytes)
            defer { previous = (number, digest) }
            guard let json = try? JSON.parse(bytes), let record = CommitRecord(json: json) else {
                report(.changed, "this is no commit record any more")
                continue
            }
            if record.bytesOfFile != bytes { report(.changed, "the commit record is not as it was written") }
            if record.module != module || record.version != number || AttemptID.milliseconds(record.attempt) == nil {
                report(.inconsistent, "the commit record names another module, version or attempt")
                continue
            }
            records[number] = record
            if number == 1 {
                if record.parent != nil { report(.brokenChain, "the first version names a parent") }
            } else if record.parent?.version != number - 1 {
                report(.brokenChain, "it does not name version \(number - 1) as its parent")
            } else if let previous, previous.version == number - 1 {
                if record.parent?.commitSHA256 != previous.digest {
                    report(
                        .brokenChain,
                        "it names another parent than version \(previous.version) as that is now: one was edited")
                }
            } else if !all.contains(number - 1) {
                checkAlone(number, digest, &result)
            }
        }
        return records
    }

    /// A version without the one before it.
    private func checkAlone(_ number: Int, _ digest: String, _ result: inout Verification) {
        let path = "\(module)/\(ModuleLayout.commitRecord(version: number))"
        let mark = "\(module)/\(ModuleLayout.pulledMark(version: number))"
        guard let bytes = try? store.storage.read(mark, limit: Limits.bytesPerRecord) else {
            result.findings.append(
                Finding(kind: .brokenChain, path: path, detail: "versions before it are missing"))
            return
        }
        guard let stated = try? JSON.parse(bytes)["commit_sha256"]?.text, stated == digest else {
            result.findings.append(
                Finding(kind: .changed, path: path, detail: "the commit record is not the one that was pulled"))
            return
        }
        result.pulled.append(number)
    }
}

/// The checks of what a withdrawal left. The record of the newest version is named by no later one and its protocol is
/// gone: the tombstone repeats its digest.
struct WithdrawnCheck {
    let store: Store
    let record: CommitRecord

    func run(_ result: inout Verification) {
        let folder = store.folderPath(record)
        let path = "\(record.module)/\(ModuleLayout.tombstone(version: record.version))"
        do {
            let tombstone = try store.tombstone(module: record.module, version: record.version)
            let bytes = try store.recordBytes(module: record.module, version: record.version)
            if let stated = tombstone?.commitSHA256, stated != FileDigest.hexadecimal(bytes) {
                result.findings.append(.ofRecord(record, "the commit record is not the one that was withdrawn"))
            }
        } catch {
            result.findings.append(
                Finding(kind: .unreadable, path: path, detail: "this is no tombstone of this version"))
        }
        for path in (try? store.storage.leftovers(module: record.module, attempt: record.attempt)) ?? [] {
            result.findings.append(
                Finding(
                    kind: .unexpected, path: path,
                    detail: "staged for a version that is withdrawn, and still there: withdraw again"))
        }
        for file in (try? store.storage.files(below: folder)) ?? [] {
            if file != ModuleLayout.croissant {
                result.findings.append(
                    Finding(
                        kind: .unexpected, path: "\(folder)/\(file)",
                        detail: "its version is withdrawn and the file is still there: withdraw again"))
            } else if (try? store.readFile(record, file)).map({ FileDigest.hexadecimal($0) }) != record.croissantSHA256
            {
                result.findings.append(
                    Finding(
                        kind: .changed, path: "\(folder)/\(file)",
                        detail: "its bytes are not those that were committed"))
            }
        }
    }
}

extension Finding {
    static func ofRecord(_ record: CommitRecord, _ detail: String) -> Finding {
        let path = "\(record.module)/\(ModuleLayout.commitRecord(version: record.version))"
        return Finding(kind: .inconsistent, path: path, detail: detail)
    }
}
