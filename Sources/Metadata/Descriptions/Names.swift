import Model

/// Identifiers in the JSON-LD of a version.
///
/// Tables and columns are named by relative IRIs: `<table>`, `<table>/<column>`, `<table>/<column>/<member>`, each
/// segment as `ModuleLayout.identifier` writes it. Other nodes of a table start their last segment with a dot, which no
/// identifier does, so no name of a user's can collide with them.
enum Names {
    static func series(_ module: String) -> String { "urn:etl:module:\(module)" }
    static func dataset(_ module: String, _ version: Int) -> String { "\(series(module)):\(version)" }
    static func table(_ table: TablePlan) -> String { ModuleLayout.identifier(table.name) }
    static func files(_ table: TablePlan) -> String { "\(self.table(table))/.files" }
    static func rowCount(_ table: TablePlan) -> String { "\(self.table(table))/.row-count" }

    static func part(_ table: TablePlan, shard: Int) -> String {
        let path = ModuleLayout.part(table: table.name, shard: shard)
        return "\(self.table(table))/.\(path.split(separator: "/").last ?? "")"
    }

    static func field(_ table: TablePlan, _ path: [String]) -> String {
        ([table.name] + path).map { ModuleLayout.identifier($0) }.joined(separator: "/")
    }

    /// What a table was read from: `urn:etl:source:<source>/<database>/<schema.table>`.
    static func origin(_ table: TablePlan, _ source: SourceIdentity?) -> String {
        var segments = [table.source]
        if case .postgres(let identity) = source { segments.append(identity.database) }
        segments.append(table.origin)
        // Two queries of one source are different things to read from.
        if table.origin == "query", let statement = table.statement {
            segments.append(SHA256.hexadecimal(statement))
        }
        return "urn:etl:source:" + segments.map { ModuleLayout.identifier($0) }.joined(separator: "/")
    }

    /// A column's origin; a constant comes from the pipeline document itself.
    static func origin(of column: ColumnPlan, in table: TablePlan, _ description: ModuleDescription) -> String {
        guard let name = column.sourceColumn else {
            return "urn:etl:pipeline:sha256:\(description.plan.about.documentDigest)"
        }
        return "\(origin(table, description.source(of: table)))#\(ModuleLayout.identifier(name))"
    }

    static var software: String { "urn:etl:software:\(ProductVersion.name):\(ProductVersion.text)" }
}
