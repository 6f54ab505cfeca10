package import Model

/// Cuts a relation into disjoint pieces that together are all of its rows.
///
/// A heap is cut by blocks: under one snapshot and a lock each row version has one place. The last piece of each leaf
/// is open-ended, for blocks added since the size was taken. What is no heap, or is read through its parent, is one piece.
package enum PostgresShards {
    /// - Returns: At least one shard; indexes from zero over leaves in order. The same input gives the same shards.
    /// - Parameter bytesPerShard: nil: as the relation's size has it.
    package static func plan(_ relation: PostgresRelation, bytesPerShard: Int? = nil) -> [Shard] {
        if isReadThroughParent(relation) {
            return [
                Shard(
                    index: 0, piece: .query, estimatedRows: relation.estimatedRows,
                    estimatedBytes: relation.estimatedBytes)
            ]
        }
        let bytesPerShard = bytesPerShard ?? Shard.byteCount(ofTable: relation.leaves.reduce(0) { $0 + $1.byteCount })
        var shards: [Shard] = []
        for leaf in relation.leaves {
            for piece in pieces(of: leaf, bytesPerShard: bytesPerShard) {
                shards.append(
                    Shard(
                        index: shards.count, piece: piece.piece,
                        estimatedRows: Int64(Double(leaf.estimatedRows) * piece.share),
                        estimatedBytes: Int64(Double(leaf.byteCount) * piece.share)))
            }
        }
        return shards
    }

    private static func isReadThroughParent(_ relation: PostgresRelation) -> Bool {
        switch relation.kind {
        case .query, .view, .foreign: true
        case .materializedView: !relation.leaves.allSatisfy(\.isHeap)
        case .table where relation.leaves.count == 1: !relation.leaves[0].isHeap
        // Rights on a parent do not reach to its leaves: without them the parent is read as one.
        case .table, .partitioned: relation.leaves.isEmpty || !relation.leaves.allSatisfy(\.isReadable)
        }
    }

    private static func pieces(of leaf: PostgresRelation.Leaf, bytesPerShard: Int) -> [(
        piece: Shard.Piece, share: Double
    )] {
        // TOAST counts: a small heap may point to much.
        let byBytes = (Int(leaf.byteCount) + bytesPerShard - 1) / bytesPerShard
        let count = leaf.isHeap ? max(1, min(byBytes, Int(leaf.blocks))) : 1
        return (0..<count).map { index in
            let first = UInt32(Int(leaf.blocks) * index / count)
            let limit = UInt32(Int(leaf.blocks) * (index + 1) / count)
            let isLast = index == count - 1
            return (
                .blocks(
                    schema: leaf.schema, relation: leaf.name, first: index == 0 ? 0 : first, limit: isLast ? nil : limit
                ),
                1 / Double(count)
            )
        }
    }
}
