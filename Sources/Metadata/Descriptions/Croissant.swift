import Model

/// `croissant.json`: what a version is, in the words of Croissant 1.1, Croissant RAI 1.0, PROV-O and DPV 2.3.
///
/// What the pipeline document does not say is left out. Where a vocabulary requires a value that the document may lack
/// (licence, creator, address) the value says that it was not stated. Values of cells never enter: there are no
/// examples and no statistics but the number of rows.
struct Croissant {
    let description: ModuleDescription
    let protocolSHA256: String

    init(_ description: ModuleDescription, protocolSHA256: String) {
        self.description = description
        self.protocolSHA256 = protocolSHA256
    }

    var plan: RunPlan { description.plan }
    var about: ModuleAbout { description.plan.about }
    var publication: Publication { description.publication }

    var document: JSON {
        .object(identity + responsibleUse + provenance + processing + content)
    }

    private var identity: [JSON.Member] {
        let version = "\(publication.version).0.0"
        let title = about.title.isEmpty ? about.module : about.title
        return members([
            "@context": CroissantContext.document,
            "@type": "sc:Dataset",
            "@id": .text(Names.dataset(about.module, publication.version)),
            "name": .text(about.module),
            "alternateName": about.title.isEmpty ? nil : .text(about.title),
            "conformsTo": .texts(CroissantContext.conformsTo),
            "description": .text(about.description.isEmpty ? title : about.description),
            "url": .text(about.url ?? Names.series(about.module)),
            "license": .text(about.license ?? "urn:etl:license:not-stated"),
            "creator": creator,
            "datePublished": .text(publication.committedAt),
            "dateCreated": .text(description.startedAt),
            "dateModified": .text(publication.committedAt),
            "expires": publication.expiresAt.map { .text($0) },
            "version": .text(version),
            "sdVersion": "1.0.0",
            "isLiveDataset": false,
            "keywords": about.keywords.isEmpty ? nil : .texts(about.keywords),
            "citeAs": .text("\(title) (\(about.module)), version \(version), \(publication.committedAt.prefix(4))."),
        ])
    }

    private var creator: JSON {
        .record([
            "@type": "sc:Organization",
            "@id": .text("\(Names.series(about.module))#creator"),
            "name": .text(about.creator?.name ?? "not stated"),
            "url": about.creator?.url.map { .text($0) },
        ])
    }

    private var content: [JSON.Member] {
        members([
            "distribution": .list(
                plan.tables.flatMap { table in description.receipts(of: table).map { fileObject(table, $0) } }
                    + plan.tables.map(fileSet)),
            "recordSet": .list(plan.tables.map { RecordSet(table: $0, description: description).document }),
        ])
    }

    /// The IANA type comes first; mlcroissant knows the second alone.
    private static let encoding = JSON.texts(["application/vnd.apache.parquet", "application/x-parquet"])

    private func fileObject(_ table: TablePlan, _ receipt: PartReceipt) -> JSON {
        let path = ModuleLayout.part(table: table.name, shard: receipt.shard)
        return .record([
            "@type": "cr:FileObject",
            "@id": .text(Names.part(table, shard: receipt.shard)),
            "name": .text(String(path.split(separator: "/").last ?? "")),
            "contentUrl": .text(path),
            "contentSize": .text("\(receipt.byteCount) B"),
            "encodingFormat": Self.encoding,
            "sha256": .text(receipt.sha256),
        ])
    }

    private func fileSet(_ table: TablePlan) -> JSON {
        .record([
            "@type": "cr:FileSet",
            "@id": .text(Names.files(table)),
            "name": .text("\(table.name) files"),
            "encodingFormat": Self.encoding,
            "includes": .text("\(ModuleLayout.folder(table: table.name))/*.parquet"),
        ])
    }

    /// The members of a record, nil ones left out.
    func members(_ pairs: KeyValuePairs<String, JSON?>) -> [JSON.Member] { JSON.record(pairs).members ?? [] }

    /// `{"@id": …}` for each.
    static func references(_ identifiers: [String]) -> JSON {
        .list(identifiers.map { .record(["@id": .text($0)]) })
    }

    static func instant(_ text: String) -> JSON { .record(["@value": .text(text), "@type": "xsd:dateTime"]) }
}
