package import Model
internal import CSystem
internal import S3

/// A file or object as it was planned: every later reading must find the same.
package struct SourceFile: Sendable, Equatable {
    /// What plans, messages and metadata call it; with it the file is found again.
    package let path: String
    package let byteCount: Int64
    /// Of an object alone: nil for a file.
    package let etag: String?
    /// Of a file on disk alone.
    package let state: FileState?

    package init(path: String, byteCount: Int64, etag: String? = nil, state: FileState? = nil) {
        self.path = path
        self.byteCount = byteCount
        self.etag = etag
        self.state = state
    }
}

/// The files of a delimited source, wherever they lie: below the document's folder, elsewhere on disk, in a bucket.
/// What is above reads bytes and does not know which.
package struct SourceFiles: Sendable {
    private enum Place: Sendable {
        case folder(String, boundary: String?)
        case bucket(BucketFiles)
    }

    private let source: String
    private let pattern: String
    private let place: Place

    /// - Parameters:
    ///   - spec: its `path`, and for one in S3 its `connection`.
    ///   - source: the source's name, for errors.
    ///   - folder: the document's, absolute.
    ///   - boundary: the folder that the files lie in or below, symbolic links followed; nil: anywhere.
    ///   - environment: where credentials come from, and what the document leaves open of a connection.
    /// - Throws: an endpoint or a bucket's name that cannot be. Nothing is asked yet.
    package init(
        _ spec: DelimitedSpec, source: String, folder: String, boundary: String? = nil, environment: [String: String]
    ) throws(ExtractError) {
        self.source = source
        pattern = spec.path
        if let path = S3Path(spec.path) {
            place = .bucket(
                try BucketFiles(
                    bucket: path.bucket, connection: spec.connection, source: source, environment: environment))
        } else {
            place = .folder(folder, boundary: boundary)
        }
    }

    /// What the source's path means now, sorted by the bytes of the paths; see `FileList` and `ObjectPattern`.
    ///
    /// - Throws: `.notFound` when nothing matches; what cannot be reached, listed or read.
    package func list() throws(ExtractError) -> [SourceFile] {
        switch place {
        case .folder(let folder, let boundary):
            let files = try FileList(pattern: pattern, folder: folder, source: source).files
            for file in files { try hold(file.location, called: file.path, within: boundary) }
            return files.map { SourceFile(path: $0.path, byteCount: $0.byteCount, state: $0.state) }
        case .bucket(let bucket): return try bucket.list(S3Path(pattern)?.key ?? "")
        }
    }

    /// A file, or bytes `range` of it, from their start.
    ///
    /// - Parameter observe: sees every byte once, in order, after it was read: a hash.
    /// - Throws: here or while it is read, `.unreadable` when the file is not the planned one any more, `.notFound` when
    ///   it is gone.
    @safe package func open(
        _ file: SourceFile, range: Range<Int64>? = nil, observe: ((UnsafeRawBufferPointer) -> Void)? = nil
    ) throws(ExtractError) -> any ByteSource {
        switch place {
        case .folder(let folder, let boundary):
            let location = FileList.location(ofPath: file.path, folder: folder)
            // The path is a plan's, which another process made.
            try hold(location, called: file.path, within: boundary)
            return try FileReader(
                location: location, path: file.path, source: source,
                range: range, planned: file, observe: observe)
        case .bucket(let bucket): return try bucket.open(file, range: range, observe: observe)
        }
    }

    /// What is thrown when a file's bytes are not those that were planned.
    package func changed(_ file: SourceFile) -> ExtractError {
        switch place {
        case .folder: FileReader.changed(source: source, path: file.path)
        case .bucket: BucketFiles.changed(source, file.path)
        }
    }

    private func hold(_ location: String, called path: String, within boundary: String?) throws(ExtractError) {
        guard let boundary, unsafe system_is_beneath(location, boundary) != 1 else { return }
        throw ExtractError(
            .notPermitted, source: source, subject: path, reason: "lies outside the folder for documents' files",
            remedy: "that folder is --base-directory's")
    }
}
