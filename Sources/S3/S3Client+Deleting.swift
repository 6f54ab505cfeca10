/// An object that could not be deleted.
package struct S3DeleteFailure: Sendable, Equatable {
    package let key: String
    package let serverCode: String?
}

extension S3Client {
    /// Deletes one object. That it is not there is no error.
    package func deleteOne(_ key: String) throws(S3Error) {
        do throws(S3Error) {
            _ = try send(Request(action: "delete", method: "DELETE", key: key))
        } catch  where error.code == .notFound && error.serverCode != "NoSuchBucket" {
            return
        }
    }

    /// Deletes objects, up to 1,000 a request. Those that are not there are no failures.
    ///
    /// - Returns: the keys that the server kept, with its word for each.
    package func delete(_ keys: [String]) throws(S3Error) -> [S3DeleteFailure] {
        var failures: [S3DeleteFailure] = []
        var batch: [(key: String, escaped: String)] = []
        for key in keys {
            // A document cannot hold every key that a URL can.
            guard let escaped = XMLText.escaped(location.fullKey(key)) else {
                try deleteOne(key)
                continue
            }
            batch.append((key, escaped))
        }
        for start in stride(from: 0, to: batch.count, by: 1000) {
            failures += try deleteBatch(Array(batch[start..<min(start + 1000, batch.count)]))
        }
        return failures
    }

    private func deleteBatch(_ batch: [(key: String, escaped: String)]) throws(S3Error) -> [S3DeleteFailure] {
        let entries = batch.map { "<Object><Key>\($0.escaped)</Key></Object>" }.joined()
        let body = Array(
            "<Delete xmlns=\"http://s3.amazonaws.com/doc/2006-03-01/\"><Quiet>true</Quiet>\(entries)</Delete>".utf8)
        var request = Request(
            action: "delete", method: "POST", query: [("delete", "")], bodyLimit: XMLScanner.byteLimit,
            documents: ["DeleteResult"])
        request.headers = [
            ("Content-MD5", Digests.base64(Digests.md5(body))), ("Content-Type", "application/xml"),
        ]
        let reply = try send(request, bytes: body)
        return (reply.root?.all("Error") ?? []).compactMap { error in
            let code = error.text("Code").flatMap { ServerCode.word($0) }
            if code == "NoSuchKey" { return nil }
            return S3DeleteFailure(key: error.text("Key").map { location.relativeKey($0) } ?? "", serverCode: code)
        }
    }
}
