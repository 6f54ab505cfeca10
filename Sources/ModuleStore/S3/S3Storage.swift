package import Model
package import S3

/// Files as objects of a bucket.
///
/// A staged part is an upload that is begun and not completed: no reader sees it, and accepting it completes it under its
/// final name. A record is one `PUT` with `If-None-Match: *` that is sent until the answer is known. Nothing is ever
/// copied or renamed, and no listing decides what is published.
package struct S3Storage: Storage {
    package let client: S3Client
    /// The same objects through each endpoint, for the probe.
    let routes: [S3Client]
    /// How long a record without an answer is sent again.
    let patience: Duration
    /// Who decides which version is next, where the bucket cannot.
    let claims: CommitClaims?

    /// - Parameter claims: a database, for a bucket that cannot create a name only if it is free.
    package init(
        _ location: S3Location, credentials: any CredentialsProvider, claims: Secret? = nil,
        patience: Duration = Limits.commitPatience
    ) {
        self.claims = claims.map { CommitClaims(url: $0, location: location.description) }
        client = S3Client(location, credentials: credentials)
        routes = location.throughEachEndpoint.map { S3Client($0, credentials: credentials) }
        self.patience = patience
    }

    package var location: String { client.location.description }
    package var localFolder: String? { nil }

    // MARK: Reading

    package func names(_ folder: String) throws(StoreError) -> [String] {
        if let module = StagingPath(folder)?.module, StagingPath(folder)?.attempt == nil {
            return try uploads(of: module).keys.sorted()
        }
        let prefix = folder.isEmpty ? "" : "\(folder)/"
        let listing = try asking(folder) { () throws(S3Error) in try client.list(prefix, delimiter: "/") }
        let files = listing.objects.map { Self.rest(of: $0.key, after: prefix) }
        let folders = listing.commonPrefixes.map { String(Self.rest(of: $0, after: prefix).dropLast()) }
        return (files + folders).filter { !$0.isEmpty }.sorted { $0.utf8.lexicographicallyPrecedes($1.utf8) }
    }

    package func files(below folder: String) throws(StoreError) -> [String] {
        let prefix = folder.isEmpty ? "" : "\(folder)/"
        let listing = try asking(folder) { () throws(S3Error) in try client.list(prefix) }
        return listing.objects.map { Self.rest(of: $0.key, after: prefix) }.filter { !$0.isEmpty }
            .sorted { $0.utf8.lexicographicallyPrecedes($1.utf8) }
    }

    /// Uploads that were begun and neither completed nor aborted.
    package func leftovers(module: String, attempt: String) throws(StoreError) -> [String] {
        let run = "\(module)/\(ModuleLayout.run(attempt))/"
        return try asking(run) { () throws(S3Error) in try client.listUploads(run) }
            .map { "\($0.key) (upload \($0.uploadID))" }
            .sorted { $0.utf8.lexicographicallyPrecedes($1.utf8) }
    }

    package func byteCount(_ path: String) throws(StoreError) -> Int64? {
        try asking(path) { () throws(S3Error) in try client.head(path)?.byteCount }
    }

    package func read(_ path: String, limit: Int) throws(StoreError) -> [UInt8] {
        try asking(path) { () throws(S3Error) in try client.get(path, limit: limit) }
    }

    package func open(_ path: String) throws(StoreError) -> any ByteRange {
        guard let info = try asking(path, { () throws(S3Error) in try client.head(path) }) else {
            throw StoreError(.notFound, path, "no such object")
        }
        return S3Range(storage: self, path: path, info: info)
    }

    // MARK: Writing

    /// Asks the bucket what it does before anything is entrusted to it: all of it for a module's first version, the
    /// cheap questions for every further one.
    package func begin(module: String, attempt: String) throws(StoreError) {
        let isFirst = try names("\(module)/\(ModuleLayout.versionsFolder)").isEmpty
        try BucketProbe(storage: self).check(races: isFirst)
    }

    package func stage(module: String, attempt: String, table: String, shard: Int, epoch: Int) throws(StoreError)
        -> any StagedPart
    {
        let path = "\(module)/\(ModuleLayout.run(attempt))/\(ModuleLayout.part(table: table, shard: shard))"
        return UploadedPart(
            storage: self, path: path,
            stagedPath: ModuleLayout.stagedPart(attempt: attempt, table: table, shard: shard, epoch: epoch))
    }

    package func accept(_ parts: [AcceptedPart], module: String, attempt: String) throws(StoreError) {
        try concurrently(parts, atATime: Limits.requestsAtATime) { (part) throws(StoreError) in try accept(part) }
    }

    private func accept(_ part: AcceptedPart) throws(StoreError) {
        let upload = part.handle.map { UploadHandle($0) }
        if let found = try head(part.path) {
            // Completed by an earlier try: nobody but the coordinator completes, and it does so for accepted parts.
            return try check(part, found, upload)
        }
        guard let upload else { throw StoreError(.damaged, part.path, "its receipt names no upload") }
        try asking(part.path) { () throws(S3Error) in
            let pieces = try client.listParts(part.path, uploadID: upload.uploadID)
            guard pieces.reduce(0, { $0 + Int64($1.byteCount) }) == part.byteCount else {
                throw S3Error(
                    .damaged, action: "accept", key: part.path, "the upload has not as many bytes as its receipt says")
            }
            try client.completeUpload(part.path, uploadID: upload.uploadID, pieces)
        }
        guard let made = try head(part.path) else {
            throw StoreError(.damaged, part.path, "the part was completed and is not there")
        }
        try check(part, made, upload)
    }

    /// Holds an object against its receipt: by its ETag, which is an MD5 on most servers, else by reading it once more.
    ///
    /// An ETag that is another is no proof: with keys of a key service, and on some servers, it is no MD5. Then the bytes
    /// decide.
    private func check(_ part: AcceptedPart, _ found: S3ObjectInfo, _ upload: UploadHandle?) throws(StoreError) {
        guard found.byteCount == part.byteCount else {
            throw StoreError(.damaged, part.path, "the part is of another size than its receipt says")
        }
        if let etag = upload?.etag, found.bareETag == etag { return }
        let measure: FileMeasure
        do { measure = try FileMeasure.of(S3Range(storage: self, path: part.path, info: found)) } catch {
            throw error as? StoreError ?? StoreError(.inputOutput, part.path, "it cannot be read")
        }
        guard measure.sha256 == part.sha256 else {
            throw StoreError(
                .damaged, part.path,
                "its bytes are not those that its worker sent; see who may write to the bucket, and run again")
        }
    }

    private func head(_ path: String) throws(StoreError) -> S3ObjectInfo? {
        try asking(path) { () throws(S3Error) in try client.head(path) }
    }

    /// Created once, like the record: a plain PUT whose answer was lost could still arrive after the commit and put older
    /// bytes in place of those that were committed. So a run that lost a race is run again, as another attempt.
    package func describe(_ path: String, _ bytes: [UInt8], replaces: Bool) throws(StoreError) {
        let creation: Creation
        do throws(StoreError) {
            creation =
                if let claims { try create(path, bytes, by: claims, keepsBytes: false) } else {
                    try RecordPut(storage: self, path: path, bytes: bytes).run(isInTime: { true })
                }
        } catch  where error.code == .unknown {
            // No commit: nothing refers to the file, whether it comes or not.
            throw StoreError(.unreachable, path, "the bucket did not say whether the description was kept")
        }
        guard creation != .taken else { throw .describedOtherwise(path) }
    }

    package func write(_ path: String, _ bytes: [UInt8]) throws(StoreError) {
        _ = try asking(path) { () throws(S3Error) in try client.put(path, bytes) }
    }

    package func create(
        _ path: String, _ bytes: [UInt8], attempt: String, isInTime: () -> Bool, reach: (PublishStep) throws -> Void
    ) throws -> Creation {
        try reach(.recordWritten)
        let creation: Creation
        if let claims {
            guard isInTime() else { throw StoreError.tooLate(path) }
            creation = try create(path, bytes, by: claims, keepsBytes: true)
        } else {
            creation = try RecordPut(storage: self, path: path, bytes: bytes).run(isInTime: isInTime)
        }
        if creation != .taken {
            try reach(.committed)
            try reach(.recordFlushed)
        }
        return creation
    }

    /// An object that was answered for is safe.
    package func settle(_ folders: [String]) throws(StoreError) {}

    /// Objects have no such thing; a policy of the bucket may forbid overwriting.
    package func protect(_ folder: String) throws(StoreError) {}

    package func remove(_ path: String) throws(StoreError) {
        try asking(path) { () throws(S3Error) in try client.deleteOne(path) }
    }

    package func removeTree(_ folder: String) throws(StoreError) {
        if let staging = StagingPath(folder) {
            for (attempt, uploads) in try uploads(of: staging.module) where staging.attempt ?? attempt == attempt {
                try abort(uploads)
            }
            return
        }
        let below = try asking(folder) { () throws(S3Error) in try client.listUploads("\(folder)/") }
        try abort(below)
        let failures = try asking(folder) { () throws(S3Error) in
            let keys = try client.list("\(folder)/").objects.map(\.key)
            return try client.delete(keys + [folder])
        }
        if let first = failures.first {
            throw StoreError(
                .notAllowed, first.key,
                "cannot be deleted (\(first.serverCode ?? "no reason given"), \(failures.count) objects)")
        }
    }

    // MARK: Pieces

    /// Unfinished uploads of a module by attempt.
    private func uploads(of module: String) throws(StoreError) -> [String: [S3UnfinishedUpload]] {
        let prefix = "\(module)/\(ModuleLayout.runsFolder)/"
        let all = try asking(module) { () throws(S3Error) in try client.listUploads(prefix) }
        return Dictionary(grouping: all) { String(Self.rest(of: $0.key, after: prefix).prefix { $0 != "/" }) }
    }

    private func abort(_ uploads: [S3UnfinishedUpload]) throws(StoreError) {
        try concurrently(uploads, atATime: Limits.requestsAtATime) { (upload) throws(StoreError) in
            try asking(upload.key) { () throws(S3Error) in
                try client.abortUpload(upload.key, uploadID: upload.uploadID)
            }
        }
    }

    /// By bytes: a combining character after the slash would be one character with it.
    private static func rest(of key: String, after prefix: String) -> String {
        String(decoding: key.utf8.dropFirst(prefix.utf8.count), as: UTF8.self)
    }

    func asking<Value>(_ path: String, _ body: () throws(S3Error) -> Value) throws(StoreError) -> Value {
        do { return try body() } catch { throw StoreError(error, path) }
    }
}

/// `<module>/_staging` or `<module>/_staging/<attempt>`: on S3 a name for unfinished uploads.
private struct StagingPath {
    let module: String
    let attempt: String?

    init?(_ path: String) {
        let pieces = path.split(separator: "/")
        guard (2...3).contains(pieces.count), pieces[1] == ModuleLayout.stagingFolder else { return nil }
        module = String(pieces[0])
        attempt = pieces.count == 3 ? String(pieces[2]) : nil
    }
}
