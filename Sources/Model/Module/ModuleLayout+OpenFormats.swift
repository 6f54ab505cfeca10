/// Where descriptions for table formats and catalogues lie. The former stand beside the parts, because their readers
/// are given a table's folder.
///
///     catalog.jsonld                                             of a store: all modules and versions
///     <module>/runs/<attempt>/data/<table>/_delta_log/…json      Delta
///     <module>/runs/<attempt>/data/<table>/metadata/…            Iceberg
extension ModuleLayout {
    /// Relative to the store's folder.
    package static let catalog = "catalog.jsonld"

    // Relative to a run's folder.
    package static func deltaFolder(table: String) -> String { "\(folder(table: table))/_delta_log" }
    package static func icebergFolder(table: String) -> String { "\(folder(table: table))/metadata" }

    /// The log of a table of one commit.
    package static func deltaLog(table: String) -> String { "\(deltaFolder(table: table))/00000000000000000000.json" }
}
