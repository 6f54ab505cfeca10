package struct S3Object: Sendable, Equatable {
    package let key: String
    package let byteCount: Int64
    /// Milliseconds of Unix time.
    package let lastModified: Int64
}

package struct S3Listing: Sendable, Equatable {
    package var objects: [S3Object] = []
    /// With the delimiter at their end.
    package var commonPrefixes: [String] = []
}

extension S3Client {
    /// All objects whose keys begin with `prefix`, in the order of their bytes; with a delimiter those alone that have
    /// none behind the prefix, and the beginnings of the others.
    ///
    /// - Cost: one request per 1,000 keys; all of them in memory.
    package func list(_ prefix: String = "", delimiter: String? = nil) throws(S3Error) -> S3Listing {
        var listing = S3Listing()
        var token: String?
        repeat {
            let reply = try send(page(prefix, delimiter, token))
            guard let root = reply.root else { break }
            try add(root, to: &listing)
            let next = root.text("IsTruncated") == "true" ? root.text("NextContinuationToken") : nil
            guard next == nil || next != token, root.text("IsTruncated") != "true" || next != nil else {
                throw S3Error(.damaged, action: "list", key: prefix, "the listing has no way to its next page")
            }
            token = next
        } while token != nil
        return listing
    }

    private func page(_ prefix: String, _ delimiter: String?, _ token: String?) -> Request {
        var query = [("list-type", "2"), ("encoding-type", "url"), ("max-keys", "1000")]
        let full = location.prefix.isEmpty ? prefix : "\(location.prefix)/\(prefix)"
        if !full.isEmpty { query.append(("prefix", full)) }
        if let delimiter { query.append(("delimiter", delimiter)) }
        if let token { query.append(("continuation-token", token)) }
        return Request(
            action: "list", method: "GET", query: query, bodyLimit: XMLScanner.byteLimit,
            documents: ["ListBucketResult"])
    }

    private func add(_ root: XMLElement, to listing: inout S3Listing) throws(S3Error) {
        let isEncoded = root.text("EncodingType") == "url"
        func relative(_ text: String) -> String { location.relativeKey(isEncoded ? URLText.decoded(text) : text) }
        for entry in root.all("Contents") {
            guard let key = entry.text("Key"), let size = entry.text("Size").flatMap({ Int64($0) }), size >= 0,
                let date = entry.text("LastModified").flatMap({ Dates.milliseconds(iso: $0) })
            else { throw S3Error(.damaged, action: "list", "an entry without key, size or date") }
            listing.objects.append(S3Object(key: relative(key), byteCount: size, lastModified: date))
        }
        listing.commonPrefixes += root.all("CommonPrefixes").compactMap { $0.text("Prefix").map(relative) }
    }
}
