import Model

extension Croissant {
    /// Where the version comes from: which run read what, by which plan, and which version it follows.
    var provenance: [JSON.Member] {
        let series = Names.series(about.module)
        let previous = publication.parent.map { parent in
            JSON.record(["@id": .text(Names.dataset(about.module, parent.version))])
        }
        return members([
            "dcat:previousVersion": previous,
            "dct:isVersionOf": .record(["@id": .text(series)]),
            "prov:wasRevisionOf": previous,
            "etl:parentCommitSHA256": publication.parent.map { .text($0.commitSHA256) },
            "prov:wasAttributedTo": .record(["@id": .text("\(series)#creator")]),
            "prov:generatedAtTime": Self.instant(description.endedAt),
            "prov:wasGeneratedBy": run,
        ])
    }

    private var run: JSON {
        .record([
            "@type": "prov:Activity",
            "@id": .text("urn:uuid:\(description.run)"),
            "prov:startedAtTime": Self.instant(description.startedAt),
            "prov:endedAtTime": Self.instant(description.endedAt),
            "prov:used": .list(origins),
            "prov:qualifiedAssociation": .record([
                "@type": "prov:Association",
                "prov:agent": .record([
                    "@type": "prov:SoftwareAgent", "@id": .text(Names.software),
                    "rdfs:label": .text("\(ProductVersion.name) \(ProductVersion.text)"),
                ]),
                "prov:hadPlan": .record([
                    "@type": "prov:Plan",
                    "@id": .text("\(Names.dataset(about.module, publication.version))#protocol"),
                    "sc:contentUrl": .text(ModuleLayout.protocolFile),
                    "sc:sha256": .text(protocolSHA256),
                    "etl:pipelineSHA256": .text(about.documentDigest),
                ]),
            ]),
        ])
    }

    /// One entity for each thing read, in the order of the tables; two tables may have one origin.
    private var origins: [JSON] {
        var tables: [(origin: String, tables: [TablePlan])] = []
        for table in plan.tables {
            let origin = Names.origin(table, description.source(of: table))
            if let index = tables.firstIndex(where: { $0.origin == origin }) {
                tables[index].tables.append(table)
            } else {
                tables.append((origin, [table]))
            }
        }
        return tables.map { origin, tables in
            let rows = tables.reduce(Int64(0)) { $0 + description.rows(of: $1).read }
            return .object(
                members(["@type": "prov:Entity", "@id": .text(origin), "etl:rowsRead": .integer(rows)])
                    + state(description.source(of: tables[0])))
        }
    }

    /// Which state of the source was read.
    private func state(_ source: SourceIdentity?) -> [JSON.Member] {
        switch source {
        case .postgres(let identity):
            members([
                "etl:snapshot": .text(identity.snapshotText), "etl:walLsn": .text(identity.walPosition),
                "etl:isolation": .text(identity.isolation), "etl:serverVersion": .text(identity.serverVersion),
            ])
        case .files(let identity):
            members([
                "etl:fileCount": .integer(Int64(identity.files.count)),
                "etl:filesSHA256": .text(
                    SHA256.hexadecimal(identity.files.map { "\($0.sha256)  \($0.path)\n" }.joined())),
            ])
        case nil: []
        }
    }
}
