import Model

/// A part being written. It is finished, or it leaves no trace.
///
/// - Cost: one write and one hash update per `Limits.bytesPerWrite`; two flushes at the end.
/// - Errors: after any of them, a failed flush included, the part is of no further use and its file is removed.
///
/// Used by one thread.
@safe final class DiskPart: StagedPart {
    private enum State { case open, failed, finished }

    private let files: FileSystem
    private let module: String
    private let path: String
    private let digest = FileDigest()
    /// Ours alone from `init` to `deinit`.
    private let buffer: UnsafeMutableRawBufferPointer
    private var filled = 0
    private var file: OpenFile?
    private var state = State.open
    private(set) var byteCount: Int64 = 0

    init(files: FileSystem, module: String, path: String) throws(StoreError) {
        self.files = files
        self.module = module
        self.path = path
        unsafe buffer = UnsafeMutableRawBufferPointer.allocate(byteCount: Limits.bytesPerWrite, alignment: 4096)
        let full = "\(module)/\(path)"
        do throws(StoreError) {
            try files.makeFolder(Self.folder(of: full))
            file = try OpenFile.create(files.absolute(full), mode: 0o644, subject: full)
        } catch {
            state = .finished
            throw error
        }
    }

    deinit {
        if state != .finished { abandon() }
        unsafe buffer.deallocate()
    }

    func write(_ bytes: UnsafeRawBufferPointer) throws(StoreError) {
        precondition(state != .finished, "bytes for a part that is finished")
        guard state == .open else { throw StoreError(.inputOutput, subject, "an earlier write failed") }
        let count = bytes.count
        byteCount += Int64(count)
        if count <= Limits.bytesPerWrite - filled { return unsafe copy(bytes) }
        try drain()
        if count >= Limits.bytesPerWrite { return try unsafe put(bytes) }
        unsafe copy(bytes)
    }

    /// The part's bytes and its name are on disk when this returns.
    func finish() throws(StoreError) -> FinishedPart {
        guard state == .open else { throw StoreError(.inputOutput, subject, "an earlier write failed") }
        do throws(StoreError) {
            try drain()
            try file?.makeReadOnly()
            try file?.flush()
            if let file = file.take() { try file.close() }
            var folder = Self.folder(of: subject)
            while true {
                try files.flushFolder(folder)
                if folder == module { break }
                folder = Self.folder(of: folder)
            }
        } catch {
            state = .failed
            throw error
        }
        state = .finished
        return FinishedPart(stagedPath: path, byteCount: byteCount, sha256: digest.finish())
    }

    /// Gives the part up and removes its file. Harmless after `finish` and when repeated.
    func abandon() {
        guard state != .finished else { return }
        state = .finished
        file = nil
        // A file that cannot be removed now is removed by the sweeper.
        try? files.remove(subject)
    }

    private var subject: String { "\(module)/\(path)" }

    private func copy(_ bytes: UnsafeRawBufferPointer) {
        guard unsafe !bytes.isEmpty else { return }
        // The caller has seen that it fits behind what is filled.
        unsafe UnsafeMutableRawBufferPointer(rebasing: buffer[filled...]).copyMemory(from: bytes)
        filled += bytes.count
    }

    private func drain() throws(StoreError) {
        guard filled > 0 else { return }
        let count = filled
        filled = 0
        try unsafe put(UnsafeRawBufferPointer(rebasing: buffer[..<count]))
    }

    private func put(_ bytes: UnsafeRawBufferPointer) throws(StoreError) {
        unsafe digest.add(bytes)
        do throws(StoreError) {
            try unsafe file?.write(bytes)
        } catch {
            state = .failed
            throw error
        }
    }

    private static func folder(of path: String) -> String {
        path.lastIndex(of: "/").map { String(path[..<$0]) } ?? ""
    }
}
