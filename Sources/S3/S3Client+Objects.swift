/// What is known of an object without reading it.
package struct S3ObjectInfo: Sendable, Equatable {
    package let byteCount: Int64
    /// As the server writes it, with its quotes.
    package let etag: String?

    /// The ETag without quotes, in lower case.
    package var bareETag: String? { etag.map(Self.bare) }

    static func bare(_ etag: String) -> String { etag.filter { $0 != "\"" }.lowercased() }

    /// That of an object of several parts, bare, where ETags are MD5s: the MD5 of the parts' MD5s, with their count.
    static func etag(ofParts digests: [[UInt8]]) -> String {
        "\(Digests.hexadecimal(Digests.md5(digests.flatMap { $0 })))-\(digests.count)"
    }
}

/// What came of a try to create an object.
package enum S3Creation: Sendable, Equatable {
    case created
    /// An object of this name is there: another's, or ours from an earlier try.
    case exists
    /// It may or may not be there, now or later. Only the same request again tells.
    case unknown(reason: String)
    /// It was not created, and will not be by asking again.
    case refused(status: Int, serverCode: String?)
    /// Nothing was sent: the caller said that it is too late.
    case tooLate
}

extension S3Client {
    /// nil: there is no such object.
    package func head(_ key: String) throws(S3Error) -> S3ObjectInfo? {
        do throws(S3Error) {
            let answer = try send(Request(action: "head", method: "HEAD", key: key)).answer
            guard let length = answer["content-length"].flatMap({ Int64($0) }), length >= 0 else {
                throw S3Error(.damaged, action: "head", key: key, "the answer tells no length", status: answer.status)
            }
            return S3ObjectInfo(byteCount: length, etag: answer["etag"])
        } catch  where error.code == .notFound && error.serverCode != "NoSuchBucket" {
            return nil
        }
    }

    /// A whole object, or `range` of it (which must lie inside), in memory.
    ///
    /// - Throws: `.notFound`; `.tooLarge` when it has more than `limit` bytes; `.changed` when `etag` is given and is
    ///   no longer the object's.
    package func get(_ key: String, range: Range<Int64>? = nil, limit: Int, ifMatch etag: String? = nil) throws(S3Error)
        -> [UInt8]
    {
        var request = Request(action: "get", method: "GET", key: key, bodyLimit: limit)
        if let range {
            precondition(range.lowerBound >= 0 && !range.isEmpty, "a range of an object begins in it and has bytes")
            request.headers.append(("Range", "bytes=\(range.lowerBound)-\(range.upperBound - 1)"))
        }
        if let etag { request.headers.append(("If-Match", etag)) }
        let answer = try send(request).answer
        // For servers that pass over the condition.
        if let etag, let found = answer["etag"], found != etag {
            throw S3Error(
                .changed, action: "get", key: key, "the object is not the expected one", status: answer.status)
        }
        let announced = answer["content-length"].flatMap { Int($0) }
        let isWhole = announced == answer.body.count && (range == nil || answer.body.count == range?.count)
        guard isWhole, answer.status == (range == nil ? 200 : 206) else {
            throw S3Error(
                .damaged, action: "get", key: key, "the answer is not the bytes asked for", status: answer.status)
        }
        return answer.body
    }

    /// Creates or replaces an object. Repeating it changes nothing.
    ///
    /// - Returns: its ETag, if the server tells.
    @discardableResult
    package func put(_ key: String, _ bytes: [UInt8]) throws(S3Error) -> String? {
        let request = Request(action: "put", method: "PUT", key: key, headers: encryptionHeaders)
        return try send(request, bytes: bytes).answer["etag"]
    }

    /// Creates an object unless there is one of this name (`If-None-Match: *`). One request, never repeated here.
    ///
    /// - Parameter isInTime: asked once the request is dated and signed; false sends nothing. A machine that sleeps between
    ///   the answer and the sending sends a request that the server refuses for its age, a quarter of an hour.
    /// - Throws: only when nothing was sent: no credentials, or a server that is not trusted.
    package func putIfAbsent(_ key: String, _ bytes: [UInt8], isInTime: () -> Bool = { true }) throws(S3Error)
        -> S3Creation
    {
        let request = Request(
            action: "create", method: "PUT", key: key, headers: encryptionHeaders + [("If-None-Match", "*")])
        let used = try credentials.current()
        let outcome = unsafe try bytes.withBytes { (memory) throws(S3Error) in
            unsafe try attempt(
                request, memory, payloadHash: Self.payloadHash(memory), used, isSentOnce: true, isInTime: isInTime)
        }
        switch outcome {
        case .notSent: return .tooLate
        case .reply(let reply):
            // Another 2xx, or a body that reports an error, is not the answer that says "created".
            let isPlain = reply.answer.status == 200 && ServerCode.inXML(reply.answer.body) == nil
            return isPlain ? .created : .unknown(reason: "HTTP \(reply.answer.status)")
        case .failed(.untrusted): throw error(.untrusted, request)
        case .failed(let failure): return .unknown(reason: failure.reason)
        case .refused(let refusal): return try creation(refusal, used)
        }
    }

    private func creation(_ refusal: Refusal, _ used: S3Credentials) throws(S3Error) -> S3Creation {
        let reason = refusal.serverCode ?? "HTTP \(refusal.status)"
        if refusal.status == 412 { return .exists }
        if refusal.status == 409 || refusal.status >= 500 && refusal.status != 501 || refusal.isTransient {
            return .unknown(reason: reason)
        }
        // Set right what can be, so that the same request again has another answer.
        if refusal.isExpired(used, method: "PUT") {
            _ = try credentials.replacement(for: used)
            return .unknown(reason: reason)
        }
        if refusal.isClockSkew(now: signingTime, method: "PUT"), adoptClock(of: refusal) {
            return .unknown(reason: reason)
        }
        return .refused(status: refusal.status, serverCode: refusal.serverCode)
    }

    /// Whether the bucket keeps versions of its objects.
    package enum Versioning: Sendable, Equatable { case off, enabled, suspended }

    package func versioning() throws(S3Error) -> Versioning {
        // The second name is that of a server that tests use.
        let request = Request(
            action: "versioning", method: "GET", query: [("versioning", "")],
            documents: ["VersioningConfiguration", "GetBucketVersioningResponse"])
        let reply = try send(request)
        switch reply.root?.text("Status") {
        case "Enabled": return .enabled
        case "Suspended": return .suspended
        default: return .off
        }
    }

    var encryptionHeaders: [(String, String)] {
        switch location.encryption {
        case .none: return []
        case .s3: return [("x-amz-server-side-encryption", "AES256")]
        case .kms(let keyID):
            let named = keyID.map { [("x-amz-server-side-encryption-aws-kms-key-id", $0)] } ?? []
            return [("x-amz-server-side-encryption", "aws:kms")] + named
        }
    }
}
