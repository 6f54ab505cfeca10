internal import Cluster
internal import Model

/// The shards of a plan in one row, table after table: which shard is at which position.
struct ShardPlaces: Sendable {
    private struct Table {
        let name: String
        let positions: Range<Int>
    }

    private var tables: [Table] = []
    private var byName: [String: Int] = [:]

    init() {}

    /// - Parameter plan: its shards are numbered from zero within each table.
    init(_ plan: RunPlan) {
        for table in plan.tables {
            byName[table.name] = tables.count
            let start = tables.last?.positions.upperBound ?? 0
            tables.append(Table(name: table.name, positions: start..<start + table.shards.count))
        }
    }

    func position(of spec: TaskSpec) -> Int? {
        guard case .shard(let name, let index) = spec, let table = byName[name],
            case let positions = tables[table].positions, positions.count > index, index >= 0
        else { return nil }
        return positions.lowerBound + index
    }

    subscript(position: Int) -> TaskSpec {
        // Tables are few, and most of a plan's shards belong to one of them.
        let table = tables.first { $0.positions.contains(position) }!
        return .shard(table: table.name, index: position - table.positions.lowerBound)
    }
}
