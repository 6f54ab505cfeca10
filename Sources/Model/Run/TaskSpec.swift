/// What a node can be given to do for a run.
package enum TaskSpec: Sendable, Codable, Equatable, Hashable {
    /// Look at the sources, take and hold their snapshots, decide the shards.
    case plan
    /// Import the run's snapshots, hold them too and export them again, so that either holder may die.
    case hold
    case shard(table: String, index: Int)

    /// For messages and logs.
    package var words: String {
        switch self {
        case .plan: "planning"
        case .hold: "holding the snapshots"
        case .shard(let table, let index): "table \(table), shard \(index)"
        }
    }
}
