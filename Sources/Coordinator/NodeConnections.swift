/// Which connections are whose.
struct NodeConnections {
    private var nodes: [UInt32: String] = [:]
    private var pipes: [String: Set<UInt32>] = [:]

    mutating func add(_ pipe: UInt32, of node: String) {
        guard nodes[pipe] != node else { return }
        nodes[pipe] = node
        pipes[node, default: []].insert(pipe)
    }

    /// - Returns: the nodes that have no connection left.
    mutating func remove(_ closed: [UInt32]) -> [String] {
        var without: [String] = []
        for pipe in closed {
            guard let node = nodes.removeValue(forKey: pipe) else { continue }
            pipes[node]?.remove(pipe)
            guard pipes[node]?.isEmpty == true else { continue }
            pipes[node] = nil
            without.append(node)
        }
        return without
    }
}
