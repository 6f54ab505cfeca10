/// An exported id of the snapshot that a run reads of one source. Every id of a source is the same snapshot, and lives as
/// long as the connection that exported it.
package struct SnapshotHold: Sendable, Codable, Equatable, Hashable {
    /// The source's name in the document.
    package var source: String
    package var snapshot: String

    package init(source: String, snapshot: String) {
        self.source = source
        self.snapshot = snapshot
    }
}
