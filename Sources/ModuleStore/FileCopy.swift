import Model

/// One file of a version on its way, held against its digest.
struct FileCopy {
    let version: VersionCopy
    let line: Sums.Line

    private var target: any Storage { version.target.storage }
    private var folder: String { "\(version.module)/\(ModuleLayout.run(version.record.attempt))" }
    private var path: String { "\(folder)/\(line.path)" }

    func run(_ copied: inout CopiedVersion, _ reach: (Int64) -> Void) throws {
        if try target.byteCount(path) != nil {
            let found = try FileMeasure.of(target.open(path))
            if found.sha256 == line.sha256 {
                copied.filesKept += 1
                return reach(found.byteCount)
            }
            // Half a file, or another's: no record refers to it.
            try target.remove(path)
        }
        let input = try version.source.openFile(version.record, line.path)
        if let place = ModuleLayout.place(ofPart: line.path) {
            try copyPart(input, place.table, place.shard, reach)
        } else {
            try copyDescription(input, reach)
        }
        copied.filesCopied += 1
        copied.bytesCopied += input.byteCount
    }

    /// A part of any size, through a buffer.
    private func copyPart(_ input: any ByteRange, _ table: String, _ shard: Int, _ reach: (Int64) -> Void) throws {
        let part = try target.stage(
            module: version.module, attempt: version.record.attempt, table: table, shard: shard,
            // Another copy of the same version may be at work: each writes a file of its own.
            epoch: Int.random(in: 1...999_999_999))
        do {
            var offset: Int64 = 0
            while true {
                let piece = try input.read(offset: offset, count: Limits.bytesPerRead)
                if piece.isEmpty { break }
                try unsafe piece.withUnsafeBytes { try unsafe part.write($0) }
                offset += Int64(piece.count)
                reach(Int64(piece.count))
            }
            let finished = try part.finish()
            guard finished.sha256 == line.sha256 else { throw damaged }
            try target.accept(
                [
                    AcceptedPart(
                        table: table, shard: shard, stagedPath: finished.stagedPath, run: folder,
                        byteCount: finished.byteCount, sha256: finished.sha256, rows: 0, handle: finished.handle)
                ], module: version.module, attempt: version.record.attempt)
        } catch {
            part.abandon()
            throw error
        }
    }

    private func copyDescription(_ input: any ByteRange, _ reach: (Int64) -> Void) throws {
        guard input.byteCount <= Limits.bytesPerDescription else {
            throw StoreError(.damaged, path, "a description of more than \(Limits.bytesPerDescription) bytes")
        }
        let bytes = try input.read(offset: 0, count: Int(input.byteCount))
        guard FileDigest.hexadecimal(bytes) == line.sha256 else { throw damaged }
        try target.write(path, bytes)
        reach(Int64(bytes.count))
    }

    private var damaged: StoreError {
        StoreError(.damaged, path, "its bytes in the source are not those that were committed")
    }
}
