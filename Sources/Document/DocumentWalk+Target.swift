import Model

/// Where the module is published.
extension DocumentWalk {
    mutating func readTarget(_ values: SectionValues) -> TargetSpec? {
        guard let node = values["target"] else { return nil }
        guard let target = section(.target, at: node, what: "target") else { return nil }
        let codec = word("compression", target, among: TargetSpec.Codec.words).flatMap {
            TargetSpec.Codec(rawValue: $0)
        }
        let iceberg = boolean("iceberg", target) ?? false
        let signingKey = path("sign", target).map { path in
            let written = target["sign"]?.written ?? ""
            return Secret(Paths.absolute(path, in: baseDirectory), written: Placeholders.isIn(written) ? written : path)
        }
        let kinds = ["directory", "s3", "postgres"].filter { target[$0] != nil }
        guard kinds.count == 1 else {
            // A kind that was mistyped, or that has no value, was told already.
            if !kinds.isEmpty || node.map?.allSatisfy({ DocumentSection.target.key($0.key)?.name != nil }) == true {
                problems.error(
                    node.position,
                    found: kinds.isEmpty
                        ? "a target without a place" : "\(kinds.joined(separator: " and ")) in one target",
                    expected: "one of directory, s3, postgres", remedy: "for example target: {directory: ./modules}")
            }
            return nil
        }
        guard let place = place(kinds[0], target) else { return nil }
        if iceberg, case .postgres = place {
            problems.error(
                target["iceberg"]?.position, found: "iceberg for a target in PostgreSQL",
                expected: "a target of files, directory or s3")
            return nil
        }
        return TargetSpec(
            place, position: node.position, codec: codec ?? .lz4, iceberg: iceberg, signingKeyFile: signingKey)
    }

    private mutating func place(_ kind: String, _ target: SectionValues) -> TargetSpec.Place? {
        guard let node = target[kind] else { return nil }
        switch kind {
        case "s3": return section(.s3Target, at: node, what: "the target in S3").flatMap { readS3($0) }.map { .s3($0) }
        case "postgres":
            return section(.postgresTarget, at: node, what: "the target in PostgreSQL").flatMap { readDatabase($0) }
                .map { .postgres($0) }
        default: return path("directory", target).map { .directory(Paths.absolute($0, in: baseDirectory)) }
        }
    }

    // MARK: S3

    private mutating func readS3(_ values: SectionValues) -> S3TargetSpec? {
        let servers = readS3Connection(values)
        let prefix = text("prefix", values)?.split(separator: "/", omittingEmptySubsequences: true).joined(
            separator: "/")
        let claims = connection("claims", values)
        let allows = boolean("allow_unverified_tls", values) ?? false
        let encryption: S3TargetSpec.Encryption =
            switch text("encryption", values) {
            case nil, "none": .none
            case "s3": .store
            case let key?: .key(key)
            }
        guard let bucket = text("bucket", values) else { return nil }
        guard Names.isBucket(bucket) else {
            problems.error(
                values["bucket"]?.position, found: "\"\(bucket.shown())\" as a bucket's name",
                expected: Names.bucketPattern)
            return nil
        }
        return S3TargetSpec(
            bucket: bucket, prefix: prefix ?? "", connection: servers, encryption: encryption, claims: claims,
            allowsUnverifiedTLS: allows)
    }

    /// How the bucket's servers are reached: the same keys for a target and a source.
    mutating func readS3Connection(_ values: SectionValues) -> S3ConnectionSpec {
        let endpoints = texts("endpoint", values)
        // Not quoted: it may hold a user and a password.
        for endpoint in endpoints where !endpoint.hasPrefix("https://") && !endpoint.hasPrefix("http://") {
            problems.error(
                values["endpoint"]?.position, found: "an \"endpoint\" of another form",
                expected: "https://host or http://host:port")
        }
        return S3ConnectionSpec(
            endpoints: endpoints, region: text("region", values), usesPathStyle: boolean("path_style", values),
            certificateFile: path("certificates", values).map { Paths.absolute($0, in: baseDirectory) })
    }

    // MARK: PostgreSQL

    private mutating func readDatabase(_ values: SectionValues) -> PostgresTargetSpec? {
        let readers = texts("readers", values)
        let tables = values["tables"] == nil ? [] : entries("tables", values).compactMap { readTargetTable($0) }
        let allows = boolean("allow_unverified_tls", values) ?? false
        guard let url = connection("url", values) else { return nil }
        return PostgresTargetSpec(url: url, readers: readers, tables: tables, allowsUnverifiedTLS: allows)
    }

    private mutating func readTargetTable(_ entry: Node.Entry) -> PostgresTargetSpec.TableSpec? {
        let what = "the target's table \"\(entry.key.shown())\""
        guard let values = section(.targetTable, at: entry.value, what: what) else { return nil }
        return PostgresTargetSpec.TableSpec(
            table: entry.key, position: entry.keyPosition, primaryKey: texts("primary_key", values),
            unique: columnLists("unique", values), indexes: columnLists("indexes", values),
            references: references(values))
    }

    /// `[a, [b, c]]`: an entry is one column or several together.
    private mutating func columnLists(_ name: String, _ values: SectionValues) -> [[String]] {
        guard let node = values[name] else { return [] }
        guard let items = node.list, !items.isEmpty else {
            problems.error(node.position, found: "\(node.found) for \"\(name)\"", expected: values.form(name))
            return []
        }
        return items.compactMap { item in
            let columns = (item.list ?? [item]).compactMap { text($0, name: name, form: values.form(name)) }
            return columns.isEmpty ? nil : columns
        }
    }

    private mutating func references(_ values: SectionValues) -> [PostgresTargetSpec.Reference] {
        guard values["references"] != nil else { return [] }
        return entries("references", values).compactMap { entry in
            guard let text = text(entry.value, name: entry.key, form: "table.column") else { return nil }
            let pieces = text.split(separator: ".", omittingEmptySubsequences: false)
            guard pieces.count == 2, pieces.allSatisfy({ !$0.isEmpty }) else {
                problems.error(
                    entry.value.position, found: "\"\(text.shown())\" as what \"\(entry.key.shown())\" refers to",
                    expected: "table.column")
                return nil
            }
            return PostgresTargetSpec.Reference(
                column: entry.key, table: String(pieces[0]), target: String(pieces[1]))
        }
    }
}
