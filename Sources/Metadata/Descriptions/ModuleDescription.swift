package import Model

/// Everything that the descriptions of one version are made from. Equal inputs give equal bytes.
///
/// Holds names, counts, digests and what the pipeline document says: no cell value and no key.
package struct ModuleDescription: Sendable {
    package let plan: RunPlan
    /// Accepted receipts in the order of the plan's tables, then by shard.
    package let receipts: [PartReceipt]
    package let publication: Publication
    /// A UUID.
    package let run: String
    /// RFC 3339, UTC.
    package let startedAt: String
    package let endedAt: String
    /// The store's folder, absolute or a URL, for lineage and Iceberg: other tools name data sets by place.
    package let storeLocation: String
    /// Iceberg's metadata, which name files by `storeLocation`, are asked for.
    package let iceberg: Bool

    package init(
        plan: RunPlan, receipts: [PartReceipt], publication: Publication, run: String, startedAt: String,
        endedAt: String, storeLocation: String, iceberg: Bool = false
    ) {
        let order = Dictionary(plan.tables.enumerated().map { ($1.name, $0) }, uniquingKeysWith: { first, _ in first })
        self.plan = plan
        self.receipts = receipts.sorted {
            (order[$0.table] ?? .max, $0.table, $0.shard) < (order[$1.table] ?? .max, $1.table, $1.shard)
        }
        self.publication = publication
        self.run = run
        self.startedAt = startedAt
        self.endedAt = endedAt
        self.storeLocation = storeLocation
        self.iceberg = iceberg
    }

    func receipts(of table: TablePlan) -> [PartReceipt] { receipts.filter { $0.table == table.name } }

    func rows(of table: TablePlan) -> RowAccount { receipts(of: table).reduce(RowAccount()) { $0 + $1.rows } }

    func source(of table: TablePlan) -> SourceIdentity? { plan.sources.first { $0.name == table.source } }

    /// Steps of all columns that do something to a value, with where they stand.
    var workingSteps: [(table: TablePlan, column: ColumnPlan, step: StepPlan)] {
        plan.tables.flatMap { table in
            table.columns.flatMap { column in
                column.steps.filter { $0.effect != .pass }.map { (table, column, $0) }
            }
        }
    }
}

/// The files that describe a version.
package enum Describe {
    /// All of them, in no particular order of importance; paths are relative to the run's folder.
    package static func files(_ description: ModuleDescription) -> [MetadataFile] {
        let protocolText = GatheringProtocol.document(description).text(isPretty: true)
        let croissant = Croissant(description, protocolSHA256: SHA256.hexadecimal(protocolText)).document
        return [
            MetadataFile(path: ModuleLayout.croissant, bytes: Array(croissant.text(isPretty: true).utf8)),
            MetadataFile(path: ModuleLayout.protocolFile, bytes: Array(protocolText.utf8)),
            file(ModuleLayout.accounting, Accounting.document(description)),
            file(ModuleLayout.lineageStart, Lineage(description).start),
            file(ModuleLayout.lineageComplete, Lineage(description).complete),
        ]
            + description.plan.tables.compactMap { DeltaLog($0, description)?.file }
            + (description.iceberg ? description.plan.tables.flatMap { IcebergTable($0, description).files } : [])
    }

    private static func file(_ path: String, _ document: JSON) -> MetadataFile {
        MetadataFile(path: path, bytes: Array(document.text(isPretty: true).utf8))
    }
}
