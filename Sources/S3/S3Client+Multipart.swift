internal import Model

/// A part of an object that is being uploaded.
package struct S3Part: Sendable, Equatable {
    /// From 1 to 10,000.
    package let number: Int
    package let etag: String
    package let byteCount: Int

    package init(number: Int, etag: String, byteCount: Int) {
        self.number = number
        self.etag = etag
        self.byteCount = byteCount
    }
}

/// An upload that was begun and neither completed nor aborted.
package struct S3UnfinishedUpload: Sendable, Equatable {
    package let key: String
    package let uploadID: String
    /// Milliseconds of Unix time.
    package let initiated: Int64
}

extension S3Client {
    package func beginUpload(_ key: String) throws(S3Error) -> String {
        let request = Request(
            action: "begin upload", method: "POST", key: key, query: [("uploads", "")], headers: encryptionHeaders,
            documents: ["InitiateMultipartUploadResult"])
        guard let identifier = try send(request, bytes: []).root?.text("UploadId"), !identifier.isEmpty else {
            throw S3Error(.damaged, action: request.action, key: key, "the answer names no upload")
        }
        return identifier
    }

    /// Sends a part; a part of the same number replaces it. All but the last have at least 5 MiB.
    package func uploadPart(_ key: String, uploadID: String, number: Int, _ bytes: [UInt8]) throws(S3Error) -> S3Part {
        precondition((1...10_000).contains(number), "parts are numbered from 1 to 10,000")
        let request = Request(
            action: "upload part", method: "PUT", key: key,
            query: [("partNumber", String(number)), ("uploadId", uploadID)])
        guard let etag = try send(request, bytes: bytes).answer["etag"], !etag.isEmpty else {
            throw S3Error(.damaged, action: request.action, key: key, "the answer names no ETag")
        }
        return S3Part(number: number, etag: etag, byteCount: bytes.count)
    }

    /// The parts that the server has, ascending.
    package func listParts(_ key: String, uploadID: String) throws(S3Error) -> [S3Part] {
        var parts: [S3Part] = []
        var marker: String?
        repeat {
            var request = Request(
                action: "list parts", method: "GET", key: key, query: [("uploadId", uploadID)],
                bodyLimit: XMLScanner.byteLimit, documents: ["ListPartsResult", "ListPartsResponse"])
            if let marker { request.query.append(("part-number-marker", marker)) }
            guard let root = try send(request).root else { break }
            for entry in root.all("Part") {
                guard let number = entry.text("PartNumber").flatMap({ Int($0) }), let etag = entry.text("ETag"),
                    let size = entry.text("Size").flatMap({ Int($0) })
                else {
                    throw S3Error(.damaged, action: request.action, key: key, "a part without number, ETag or size")
                }
                parts.append(S3Part(number: number, etag: etag, byteCount: size))
            }
            let next = root.text("IsTruncated") == "true" ? root.text("NextPartNumberMarker") : nil
            if next != nil, next == marker {
                throw S3Error(.damaged, action: request.action, key: key, "the listing has no way to its next page")
            }
            marker = next
        } while marker != nil
        return parts
    }

    /// Makes the object of its parts.
    ///
    /// An answer that was lost is no failure: an upload that the second question finds gone, or cannot answer for, was
    /// completed by the first if the object now is what the parts make.
    package func completeUpload(_ key: String, uploadID: String, _ parts: [S3Part]) throws(S3Error) {
        let entries = parts.map { part in
            let etag = XMLText.escaped(part.etag) ?? ""
            return "<Part><PartNumber>\(part.number)</PartNumber><ETag>\(etag)</ETag></Part>"
        }.joined()
        let body =
            "<CompleteMultipartUpload xmlns=\"http://s3.amazonaws.com/doc/2006-03-01/\">\(entries)</CompleteMultipartUpload>"
        let request = Request(
            action: "complete upload", method: "POST", key: key, query: [("uploadId", uploadID)],
            headers: [("Content-Type", "application/xml")],
            // The server puts the parts together before it answers; ten thousand of them take minutes.
            stallLimit: .seconds(300), documents: ["CompleteMultipartUploadResult"])
        do throws(S3Error) {
            _ = try send(request, bytes: Array(body.utf8))
        } catch {
            let isGone = error.serverCode == "NoSuchUpload"
            guard isGone || error.disposition == .retry else { throw error }
            guard let found = try? head(key), Self.isMade(found, of: parts, provesItself: !isGone) else { throw error }
        }
    }

    /// Size and, where ETags are MD5s, the ETag of the whole: the MD5 of the parts' MD5s, with their count.
    ///
    /// - Parameter provesItself: whether the size alone is too little.
    static func isMade(_ object: S3ObjectInfo, of parts: [S3Part], provesItself: Bool) -> Bool {
        guard object.byteCount == parts.reduce(0, { $0 + Int64($1.byteCount) }) else { return false }
        let digests = parts.compactMap { Digests.bytes(hexadecimal: S3ObjectInfo.bare($0.etag)) }
            .filter { $0.count == 16 }
        guard digests.count == parts.count, let etag = object.bareETag, etag.utf8.count > 33,
            Digests.bytes(hexadecimal: String(etag.prefix(32))) != nil, etag.dropFirst(32).hasPrefix("-")
        else { return !provesItself }
        return etag == S3ObjectInfo.etag(ofParts: digests)
    }

    /// Forgets an upload and its parts. That it is gone is no error.
    package func abortUpload(_ key: String, uploadID: String) throws(S3Error) {
        do throws(S3Error) {
            _ = try send(Request(action: "abort upload", method: "DELETE", key: key, query: [("uploadId", uploadID)]))
        } catch  where error.code == .notFound && error.serverCode != "NoSuchBucket" {
            return
        }
    }

    /// All unfinished uploads of keys that begin with `prefix`.
    package func listUploads(_ prefix: String = "") throws(S3Error) -> [S3UnfinishedUpload] {
        var uploads: [S3UnfinishedUpload] = []
        var marker: (key: String, uploadID: String)?
        let full = location.prefix.isEmpty ? prefix : "\(location.prefix)/\(prefix)"
        repeat {
            var request = Request(
                action: "list uploads", method: "GET", query: [("uploads", "")],
                bodyLimit: XMLScanner.byteLimit, documents: ["ListMultipartUploadsResult"])
            if !full.isEmpty { request.query.append(("prefix", full)) }
            if let marker { request.query += [("key-marker", marker.key), ("upload-id-marker", marker.uploadID)] }
            guard let root = try send(request).root else { break }
            for entry in root.all("Upload") {
                guard let key = entry.text("Key"), let identifier = entry.text("UploadId"),
                    let date = entry.text("Initiated").flatMap({ Dates.milliseconds(iso: $0) })
                else { throw S3Error(.damaged, action: request.action, "an upload without key, id or date") }
                // Servers that do not filter by prefix are met.
                guard key.utf8.starts(with: full.utf8) else { continue }
                uploads.append(
                    S3UnfinishedUpload(key: location.relativeKey(key), uploadID: identifier, initiated: date))
            }
            guard root.text("IsTruncated") == "true" else { break }
            guard let key = root.text("NextKeyMarker"), let identifier = root.text("NextUploadIdMarker"),
                marker.map({ $0 != (key, identifier) }) ?? true
            else { throw S3Error(.damaged, action: request.action, "the listing has no way to its next page") }
            marker = (key, identifier)
        } while true
        return uploads
    }
}
