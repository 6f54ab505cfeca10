/// What is to happen, by time; of equal times in the order in which it was asked for.
struct EventQueue {
    struct Entry {
        let time: Int64
        let order: Int
        /// Whose doing it is: it waits while the process stands still, and is forgotten with it.
        let process: SimulatedProcess?
        let generation: Int
        let body: () -> Void

        static func < (a: Entry, b: Entry) -> Bool { a.time != b.time ? a.time < b.time : a.order < b.order }
    }

    private var entries: [Entry] = []

    mutating func push(_ entry: Entry) {
        entries.append(entry)
        var child = entries.count - 1
        while child > 0, entries[child] < entries[(child - 1) / 2] {
            entries.swapAt(child, (child - 1) / 2)
            child = (child - 1) / 2
        }
    }

    mutating func pop() -> Entry? {
        guard let first = entries.first, let last = entries.popLast() else { return nil }
        guard !entries.isEmpty else { return first }
        entries[0] = last
        var parent = 0
        while true {
            var least = parent
            for child in [2 * parent + 1, 2 * parent + 2] where child < entries.count && entries[child] < entries[least]
            {
                least = child
            }
            if least == parent { return first }
            entries.swapAt(parent, least)
            parent = least
        }
    }
}

/// A process with a clock of its own that is killed, begun anew, or stands still.
class SimulatedProcess {
    let label: String
    /// One more with each life.
    var generation = 0
    var isUp = true
    var pausedUntil: Int64 = 0
    /// Nanoseconds of its steady clock.
    var clockOffset: Int64 = 0
    var clockRate = 1.0

    init(label: String) { self.label = label }
}
