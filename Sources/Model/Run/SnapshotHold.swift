/// A snapshot of a source that a keeper holds open for a run.
package struct SnapshotHold: Sendable, Codable, Equatable {
    /// The source's name in the document.
    package var source: String
    /// The exported id, as `PostgresIdentity.snapshots` has it.
    package var snapshot: String

    package init(source: String, snapshot: String) {
        self.source = source
        self.snapshot = snapshot
    }
}
