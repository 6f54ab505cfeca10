internal import Model
internal import S3

/// The objects of a bucket as files of a source.
///
/// An object is found with its ETag, and each of its bytes is asked for under that ETag (`If-Match`), so an object that
/// was replaced after it was planned, or between two ranges, is an error and never a mixture.
struct BucketFiles: Sendable {
    private let client: S3Client
    private let bucket: String
    private let source: String
    /// What one answer brings; in memory at once.
    private let rangeByteCount: Int

    init(
        bucket: String, connection: S3ConnectionSpec, source: String, environment: [String: String],
        retries: S3Retries = S3Retries(), rangeByteCount: Int = 8 << 20
    ) throws(ExtractError) {
        self.bucket = bucket
        self.source = source
        self.rangeByteCount = rangeByteCount
        do throws(S3Error) {
            let location = try S3Location(bucket: bucket, connection: connection, environment: environment)
            client = S3Client(
                location, credentials: CredentialsChain(environment: environment, region: location.region),
                retries: retries)
        } catch { throw ExtractError(error, source: source, subject: "s3://\(bucket)") }
    }

    /// The objects that a key or its pattern means, sorted by the bytes of their keys.
    ///
    /// An object whose key is the pattern as it is written is that object, whatever characters it has.
    ///
    /// - Cost: a request per object, and one per 1,000 keys that are looked at.
    func list(_ pattern: String) throws(ExtractError) -> [SourceFile] {
        let parsed = ObjectPattern(pattern)
        do throws(ExtractError) {
            if let file = try find(pattern) { return [file] }
        } catch  where error.code == .notPermitted && parsed.isPattern {
            // Who may list may not always ask for what is not there.
        }
        let keys = try parsed.keys { (prefix) throws(ExtractError) in
            try asking(pattern) { () throws(S3Error) in try client.list(prefix, delimiter: "/") }
        }
        guard !keys.isEmpty else { throw try nothing(pattern) }
        var files: [SourceFile] = []
        for key in keys.sorted(by: { $0.utf8.lexicographicallyPrecedes($1.utf8) }) {
            guard let file = try find(key) else { throw Self.gone(source, path(key)) }
            files.append(file)
        }
        return files
    }

    @safe func open(
        _ file: SourceFile, range: Range<Int64>?, observe: ((UnsafeRawBufferPointer) -> Void)?
    ) throws(ExtractError) -> any ByteSource {
        guard let key = S3Path(file.path)?.key, let etag = file.etag else {
            preconditionFailure("an object is planned by its path and its ETag")
        }
        let range = range ?? 0..<file.byteCount
        guard range.upperBound <= file.byteCount else { throw Self.changed(source, file.path) }
        return ObjectReader(
            S3Reader(client, key, range: range, etag: etag, rangeByteCount: rangeByteCount), source: source,
            path: file.path, observe: observe)
    }

    private func path(_ key: String) -> String { S3Path(bucket: bucket, key: key).description }

    /// nil: there is no such object.
    private func find(_ key: String) throws(ExtractError) -> SourceFile? {
        guard let info = try asking(key, { () throws(S3Error) in try client.head(key) }) else { return nil }
        guard let etag = info.etag, !etag.isEmpty else {
            throw ExtractError(
                .unreadable, source: source, subject: path(key),
                reason: "the server names no ETag, so nobody could see that the object changed")
        }
        return SourceFile(path: path(key), byteCount: info.byteCount, etag: etag)
    }

    private func asking<Answer>(_ key: String, _ body: () throws(S3Error) -> Answer) throws(ExtractError) -> Answer {
        do throws(S3Error) { return try body() } catch {
            throw ExtractError(error, source: source, subject: path(key))
        }
    }

    /// Nothing matches: the reason why.
    private func nothing(_ pattern: String) throws(ExtractError) -> ExtractError {
        let below = try asking(pattern) { () throws(S3Error) in try client.list("\(pattern)/", delimiter: "/") }
        guard below.objects.isEmpty, below.commonPrefixes.isEmpty else {
            return ExtractError(
                .unreadable, source: source, subject: path(pattern), reason: "is a folder, not an object",
                remedy: "write a pattern of objects, as in `s3://bucket/folder/*.csv`")
        }
        return ExtractError(
            .notFound, source: source, subject: path(pattern), reason: "no object matches",
            remedy: "keys are taken as they are written, and `*` ends at a slash")
    }

    fileprivate static func gone(_ source: String, _ path: String) -> ExtractError {
        ExtractError(.notFound, source: source, subject: path, reason: "no such object")
    }

    static func changed(_ source: String, _ path: String) -> ExtractError {
        ExtractError(
            .unreadable, source: source, subject: path, reason: "the object has changed since it was planned",
            remedy: "run again")
    }
}

/// Reads a range of an object into memory that the caller supplies.
@safe private final class ObjectReader: ByteSource {
    private let reader: S3Reader
    private let source: String
    private let path: String
    private let observe: ((UnsafeRawBufferPointer) -> Void)?

    @safe init(_ reader: S3Reader, source: String, path: String, observe: ((UnsafeRawBufferPointer) -> Void)?) {
        self.reader = reader
        self.source = source
        self.path = path
        unsafe self.observe = observe
    }

    func read(into memory: UnsafeMutableRawBufferPointer) throws -> Int {
        let count: Int
        do { count = unsafe try reader.read(into: memory) } catch let error as S3Error {
            throw ExtractError(error, source: source, subject: path)
        }
        if count > 0 { unsafe observe?(UnsafeRawBufferPointer(rebasing: memory[..<count])) }
        return count
    }
}

extension ExtractError {
    /// What an answer of S3 means to a source. The server's own words stay behind but for its code.
    init(_ error: S3Error, source: String, subject: String) {
        let number = error.serverCode ?? error.status.map { "HTTP \($0)" }
        func made(_ code: Code, _ remedy: String?) -> ExtractError {
            ExtractError(
                code, source: source, subject: subject, reason: error.detail, remedy: remedy, foreignCode: number)
        }
        switch error.code {
        case .unreachable: self = made(.unreachable, "check the endpoint, the network and firewalls")
        case .untrusted: self = made(.notPermitted, "name the authorities of your own in `s3: {certificates: FILE}`")
        case .server, .damaged: self = made(.transient, nil)
        case .credentials: self = made(.notPermitted, nil)
        case .notAllowed: self = made(.notPermitted, "check the policy of the bucket and of the credentials")
        case .notFound where error.serverCode == "NoSuchBucket": self = made(.notFound, nil)
        case .notFound: self = BucketFiles.gone(source, subject)
        // A range that lies behind the end belongs to an object that became shorter.
        case .changed: self = BucketFiles.changed(source, subject)
        case .refused where error.status == 416: self = BucketFiles.changed(source, subject)
        case .wrongRegion, .badLocation, .tooLarge, .refused: self = made(.notFound, nil)
        }
    }
}
