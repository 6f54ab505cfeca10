internal import Cluster
internal import Model

/// A node's right to work on a task, until a time of the coordinator's clock. Its token fences everybody else.
struct TaskLease: Sendable, Equatable {
    let worker: String
    let token: Int64
    let epoch: Int
    let since: Instant
    var until: Instant
    var progress: TaskProgress
    /// What came so far of a receipt that is too long for one message.
    var upload: [UInt8] = []
    /// Of another coordinator's time; nobody has heard of it in this one's.
    var isInherited = false
}

/// One shard: ready, leased (twice when a straggler is copied) or done. Epochs number its attempts and only rise.
struct ShardTask: Sendable {
    let weight: Int64
    var epoch = 0
    var crashes = 0
    var failures = 0
    var leases: [TaskLease] = []
    var packed: PackedReceipt?
    /// The node that said that it works elsewhere, if anywhere.
    var avoids: String?

    init(weight: Int64) { self.weight = weight }

    var receipt: PartReceipt? { packed?.receipt }
    var isDone: Bool { packed != nil }

    func lease(_ token: Int64) -> TaskLease? { leases.first { $0.token == token } }
}

/// Shards of one source that wait, in the order in which they are granted: the largest first, equal ones in plan order;
/// those that came back go before, once their pause is over.
///
/// - Cost: constant for a shard that was never granted; linear in the shards that came back.
struct ShardQueue: Sendable {
    private var fresh: [Int]
    private var next = 0
    private var returned: [(from: Instant, shard: Int)] = []

    /// - Parameter order: positions in the plan, the largest shard first.
    init(order: [Int]) { fresh = order }

    var isEmpty: Bool { next == fresh.count && returned.isEmpty }

    mutating func putBack(_ shard: Int, from: Instant) { returned.append((from, shard)) }

    /// Takes the next shard that may be granted now.
    mutating func take(now: Instant, where isSuitable: (Int) -> Bool) -> Int? {
        if let index = returned.firstIndex(where: { $0.from <= now && isSuitable($0.shard) }) {
            return returned.remove(at: index).shard
        }
        guard next < fresh.count, isSuitable(fresh[next]) else { return nil }
        defer { next += 1 }
        return fresh[next]
    }
}
