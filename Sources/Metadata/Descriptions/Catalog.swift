package import Model

/// What the catalogue of a store says of one version. Made from its commit record, its `croissant.json` and, if there
/// is one, its tombstone.
package struct CatalogEntry: Sendable {
    package var record: CommitRecord
    /// The version's own description, where it is there and readable: title, description, licence, creator, keywords.
    package var croissant: JSON?
    /// When the version was withdrawn (RFC 3339, UTC), or nil. The reason is not the catalogue's to tell.
    package var withdrawnAt: String?

    package init(record: CommitRecord, croissant: JSON? = nil, withdrawnAt: String? = nil) {
        self.record = record
        self.croissant = croissant
        self.withdrawnAt = withdrawnAt
    }
}

/// `catalog.jsonld`, at the root of a store: its modules and their versions in the words of DCAT 3.
///
/// A module is a `dcat:Dataset`; each version, withdrawn ones too, is one that it `dcat:hasVersion`, under the
/// identifier that the version's `croissant.json` has. Identifiers of files are relative to the catalogue's own address.
/// Terms of others where there are some; rows, files and bytes are counted under our own prefix.
///
/// - Source: Data Catalog Vocabulary (DCAT) version 3, W3C Recommendation, sections 6 and 11; ADMS for the status.
package enum Catalog {
    /// The catalogue's file, relative to the store's folder. Equal entries give equal bytes, whatever their order.
    package static func file(_ entries: [CatalogEntry], title: String = "Data modules") -> MetadataFile {
        MetadataFile(
            path: ModuleLayout.catalog, bytes: Array(document(entries, title: title).text(isPretty: true).utf8))
    }

    package static func document(_ entries: [CatalogEntry], title: String) -> JSON {
        let modules = Dictionary(grouping: entries, by: \.record.module).sorted { $0.key < $1.key }
            .map { name, entries in
                (name: name, versions: entries.sorted { $0.record.version < $1.record.version })
            }
        return .record([
            "@context": context,
            "@id": .text(ModuleLayout.catalog),
            "@type": "dcat:Catalog",
            "dct:title": .text(title),
            "dct:modified": entries.flatMap { [$0.record.committedAt] + ($0.withdrawnAt.map { [$0] } ?? []) }.max()
                .map(Croissant.instant),
            "dcat:dataset": .list(modules.map { module($0.name, $0.versions) }),
        ])
    }

    private static let context: JSON = .record([
        "@language": "en",
        "adms": "http://www.w3.org/ns/adms#", "dcat": "http://www.w3.org/ns/dcat#",
        "dct": "http://purl.org/dc/terms/", "etl": .text(CroissantContext.ownTerms),
        "foaf": "http://xmlns.com/foaf/0.1/", "rdfs": "http://www.w3.org/2000/01/rdf-schema#",
        "sc": "https://schema.org/", "spdx": "http://spdx.org/rdf/terms#",
        "xsd": "http://www.w3.org/2001/XMLSchema#",
    ])

    /// - Parameter versions: of one module, ascending.
    private static func module(_ name: String, _ versions: [CatalogEntry]) -> JSON {
        let current = versions.last { $0.withdrawnAt == nil }
        // What people read of the module as a whole is what its newest version says.
        let words = versions.last { $0.withdrawnAt == nil && $0.croissant != nil }?.croissant
        return .record([
            "@id": .text(Names.series(name)),
            "@type": "dcat:Dataset",
            "dct:identifier": plain(name),
            "dct:title": title(words, name),
            "dct:description": words?["description"],
            "dct:publisher": words.flatMap(publisher),
            "dcat:keyword": words?["keywords"],
            "dct:issued": versions.first.map { Croissant.instant($0.record.committedAt) },
            "dct:modified": versions.last.map { Croissant.instant($0.record.committedAt) },
            "dcat:hasCurrentVersion": current.map { reference(Names.dataset(name, $0.record.version)) },
            "dcat:hasVersion": .list(versions.map(version)),
        ])
    }

    private static func version(_ entry: CatalogEntry) -> JSON {
        let record = entry.record
        let isWithdrawn = entry.withdrawnAt != nil
        return .record([
            "@id": .text(Names.dataset(record.module, record.version)),
            "@type": "dcat:Dataset",
            "dct:title": title(entry.croissant, record.module),
            "dct:description": entry.croissant?["description"],
            "dcat:version": plain("\(record.version).0.0"),
            "dcat:isVersionOf": reference(Names.series(record.module)),
            "dcat:previousVersion": record.parent.map { reference(Names.dataset(record.module, $0.version)) },
            "adms:status": reference("http://purl.org/adms/status/\(isWithdrawn ? "Withdrawn" : "Completed")"),
            "dct:issued": Croissant.instant(record.committedAt),
            "dct:modified": entry.withdrawnAt.map(Croissant.instant),
            "sc:expires": record.expiresAt.map(Croissant.instant),
            "dct:license": entry.croissant?["license"]?.text.map(license),
            "dct:publisher": entry.croissant.flatMap(publisher),
            "dcat:keyword": entry.croissant?["keywords"],
            "etl:files": .integer(Int64(record.files)),
            "etl:bytes": .integer(record.bytes),
            "etl:rows": .integer(record.tables.reduce(0) { $0 + $1.rows }),
            "etl:table": .list(
                record.tables.map { table in
                    .record([
                        "@type": "etl:Table", "dct:identifier": plain(table.name), "etl:rows": .integer(table.rows),
                    ])
                }),
            "dcat:distribution": isWithdrawn ? nil : [distribution(record)],
        ])
    }

    /// The version's `croissant.json`, which describes and digests every part.
    private static func distribution(_ record: CommitRecord) -> JSON {
        let folder = "\(ModuleLayout.identifier(record.module))/\(ModuleLayout.run(record.attempt))"
        let path = "\(folder)/\(ModuleLayout.croissant)"
        return .record([
            "@id": .text("\(path)#distribution"),
            "@type": "dcat:Distribution",
            "dcat:accessURL": reference(path),
            "dcat:downloadURL": reference(path),
            "dcat:mediaType": reference("https://www.iana.org/assignments/media-types/application/ld+json"),
            "dct:conformsTo": .list(CroissantContext.conformsTo.map(reference)),
            "spdx:checksum": .record([
                "@type": "spdx:Checksum",
                "spdx:algorithm": reference("http://spdx.org/rdf/terms#checksumAlgorithm_sha256"),
                "spdx:checksumValue": .record(["@value": .text(record.croissantSHA256), "@type": "xsd:hexBinary"]),
            ]),
        ])
    }

    private static func title(_ croissant: JSON?, _ name: String) -> JSON {
        croissant?["alternateName"] ?? croissant?["name"] ?? .text(name)
    }

    /// The creator as a node without an identifier: versions may name it differently.
    private static func publisher(_ croissant: JSON) -> JSON? {
        guard let creator = croissant["creator"], let name = creator["name"] else { return nil }
        return .record([
            "@type": "foaf:Agent", "foaf:name": name,
            "foaf:homepage": creator["url"]?.text.flatMap { isIRI($0) ? reference($0) : nil },
        ])
    }

    private static func license(_ text: String) -> JSON {
        isIRI(text) ? reference(text) : .record(["@type": "dct:LicenseDocument", "rdfs:label": .text(text)])
    }

    /// A scheme, a colon and nothing that RFC 3987 forbids.
    private static func isIRI(_ text: String) -> Bool {
        guard let colon = text.firstIndex(of: ":"), text.first?.isLetter == true, text.last != ":" else { return false }
        let isScheme = text[..<colon].allSatisfy { $0.isASCII && ($0.isLetter || $0.isNumber || "+-.".contains($0)) }
        let forbidden = "<>\"{}|\\^`\u{7f}".unicodeScalars
        return isScheme && text.unicodeScalars.allSatisfy { $0.value > 0x20 && !forbidden.contains($0) }
    }

    private static func reference(_ identifier: String) -> JSON { .record(["@id": .text(identifier)]) }

    /// A text that is in no language.
    private static func plain(_ text: String) -> JSON { .record(["@value": .text(text)]) }
}
