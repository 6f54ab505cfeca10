package import Model

/// Files in folders of one file system.
///
/// A staged part is a file of its own name, linked into place when it is accepted; a record appears by link(2). Every
/// path that an error names is relative to the root.
package struct DiskStorage: Storage {
    let files: FileSystem
    let placing: Placing

    /// How a finished file gets its final name. Tests force the second.
    package enum Placing: Sendable { case linkOrRename, renameOnly }

    package init(root: String, placing: Placing = .linkOrRename) {
        files = FileSystem(root: root)
        self.placing = placing
    }

    package var location: String { files.root }
    package var localFolder: String? { files.root }

    package func names(_ folder: String) throws(StoreError) -> [String] { try files.names(folder) }
    package func files(below folder: String) throws(StoreError) -> [String] { try files.files(below: folder) }
    package func byteCount(_ path: String) throws(StoreError) -> Int64? {
        guard let status = try files.status(path), !status.isFolder else { return nil }
        return status.byteCount
    }
    package func read(_ path: String, limit: Int) throws(StoreError) -> [UInt8] { try files.read(path, limit: limit) }
    package func open(_ path: String) throws(StoreError) -> any ByteRange { try DiskRange(files, path) }

    package func begin(module: String, attempt: String) throws(StoreError) {
        try files.makeRoot()
        for folder in [ModuleLayout.versionsFolder, ModuleLayout.runsFolder, ModuleLayout.staging(attempt)] {
            try files.makeFolder("\(module)/\(folder)")
        }
        // What becomes no version is nobody else's to read.
        try files.setMode("\(module)/\(ModuleLayout.staging(attempt))", 0o700)
        try settle(["\(module)/\(ModuleLayout.stagingFolder)", module, ""])
    }

    package func stage(module: String, attempt: String, table: String, shard: Int, epoch: Int) throws(StoreError)
        -> any StagedPart
    {
        guard try files.status("\(module)/\(ModuleLayout.staging(attempt))") != nil else {
            throw StoreError(.attemptEnded, "\(module)/\(attempt)", "the attempt is over")
        }
        let path = ModuleLayout.stagedPart(attempt: attempt, table: table, shard: shard, epoch: epoch)
        return try DiskPart(files: files, module: module, path: path)
    }

    /// The staged name stays until the version is committed. Every byte is read once more: a part that a disk, a network
    /// file system or a person changed since its worker wrote it does not become a version's.
    package func accept(_ parts: [AcceptedPart], module: String, attempt: String) throws(StoreError) {
        try files.makeFolder("\(module)/\(ModuleLayout.run(attempt))")
        for part in parts {
            let staged = "\(module)/\(part.stagedPath)"
            try makeFolder(above: part.path)
            if let status = try files.status(staged) {
                guard status.byteCount == part.byteCount else {
                    throw StoreError(.damaged, staged, "not as many bytes as its receipt says")
                }
                _ = try files.place(staged, at: part.path, by: placing)
            }
        }
        try concurrently(parts, atATime: Limits.partsReadAtATime) { (part) throws(StoreError) in try check(part) }
    }

    private func check(_ part: AcceptedPart) throws(StoreError) {
        // Linked by an earlier try, or just now; another size would be another file's.
        guard let placed = try files.status(part.path), placed.byteCount == part.byteCount else {
            throw StoreError(.damaged, part.path, "the part is absent or of another size than its receipt says")
        }
        let measure: FileMeasure
        do { measure = try FileMeasure.of(DiskRange(files, part.path)) } catch {
            throw error as? StoreError ?? StoreError(.inputOutput, part.path, "it cannot be read")
        }
        guard measure.sha256 == part.sha256 else {
            throw StoreError(
                .damaged, part.path,
                "its bytes are no longer those that its worker wrote; look at the disk and the memory, and run again")
        }
    }

    package func describe(_ path: String, _ bytes: [UInt8], replaces: Bool) throws(StoreError) {
        if replaces { return try write(path, bytes) }
        // Looked at first: a version that another has committed gets no file, not even for a moment.
        if try files.status(path) == nil {
            try throughTemporary(path, bytes) { (temporary) throws(StoreError) in
                _ = try files.place(temporary, at: path, by: placing)
            }
        }
        guard try files.read(path) == bytes else { throw .describedOtherwise(path) }
    }

    package func write(_ path: String, _ bytes: [UInt8]) throws(StoreError) {
        try throughTemporary(path, bytes) { (temporary) throws(StoreError) in try files.rename(temporary, to: path) }
    }

    /// Writes a file beside its place, under a name that no other writer has, and gives it to `place`.
    private func throughTemporary(
        _ path: String, _ bytes: [UInt8], _ place: (String) throws(StoreError) -> Void
    ) throws(StoreError) {
        try makeFolder(above: path)
        let (folder, name) = Self.split(path)
        let temporary = Self.temporary(name, in: folder)
        // Half a file on a full disk would keep the space that somebody is about to miss.
        defer { try? files.remove(temporary) }
        try files.write(temporary, bytes)
        try place(temporary)
    }

    /// Two may write the same file at a time: one that slept, and one that took over from it.
    private static func temporary(_ name: String, in folder: String) -> String {
        let hidden = ".\(name).\(String(UInt32.random(in: .min ... .max), radix: 16)).tmp"
        return folder.isEmpty ? hidden : "\(folder)/\(hidden)"
    }

    package func create(
        _ path: String, _ bytes: [UInt8], attempt: String, isInTime: () -> Bool, reach: (PublishStep) throws -> Void
    ) throws -> Creation {
        let folder = Self.split(path).folder
        let temporary = Self.temporary(attempt, in: folder)
        try files.makeFolder(folder)
        try files.write(temporary, bytes)
        try reach(.recordWritten)
        guard isInTime() else {
            try? files.remove(temporary)
            throw StoreError.tooLate(path)
        }
        let placed: FileSystem.Placed
        do throws(StoreError) { placed = try files.place(temporary, at: path, by: placing) } catch {
            // A network file system that broke off may have made the link.
            throw error.code == .inputOutput ? error.unknown("the disk did not say whether the record was kept") : error
        }
        do throws(StoreError) {
            if case .alreadyExists = placed, try files.read(path) != bytes {
                try? files.remove(temporary)
                return .taken
            }
        } catch { throw error.unknown("a record is there and cannot be read") }
        try reach(.committed)
        // Until the folder is on disk a power failure may take the file back. Asked once: after a failed flush the system
        // may have dropped what was to be written, and a second one would lie. The whole call again does not: it writes a
        // new file into the same folder first.
        do throws(StoreError) { try files.flushFolder(folder) } catch {
            throw error.unknown("the record is there, and the disk did not say that it stays")
        }
        try reach(.recordFlushed)
        try? files.remove(temporary)
        if case .alreadyExists = placed { return .wasThere }
        return .created
    }

    package func settle(_ folders: [String]) throws(StoreError) {
        for folder in folders { try files.flushFolder(folder) }
    }

    /// Every file has been read-only since it was finished; here nobody adds or removes one any more. What writers that died
    /// left goes.
    package func protect(_ folder: String) throws(StoreError) {
        for name in try files.names(folder) {
            let path = "\(folder)/\(name)"
            if try files.status(path)?.isFolder == true {
                try protect(path)
            } else if name.hasPrefix("."), name.hasSuffix(".tmp") {
                try files.remove(path)
            }
        }
        try files.closeToWriters(folder)
    }

    package func remove(_ path: String) throws(StoreError) {
        let folder = Self.split(path).folder
        if try files.status(path) != nil { try? files.openToOwner(folder) }
        try files.remove(path)
    }

    package func removeTree(_ folder: String) throws(StoreError) {
        let above = Self.split(folder).folder
        if !above.isEmpty, try files.status(folder) != nil { try? files.openToOwner(above) }
        try files.removeTree(folder)
    }

    private func makeFolder(above path: String) throws(StoreError) {
        let folder = Self.split(path).folder
        if !folder.isEmpty { try files.makeFolder(folder) } else { try files.makeRoot() }
    }

    private static func split(_ path: String) -> (folder: String, name: String) {
        guard let slash = path.lastIndex(of: "/") else { return ("", path) }
        return (String(path[..<slash]), String(path[path.index(after: slash)...]))
    }
}
