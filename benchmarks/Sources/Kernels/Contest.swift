import CPeers

/// One thing that is timed: a name, and the work over `count` values from `first` on.
struct Contestant {
    let name: String
    let level: String
    let count: Int
    /// Before the time is taken.
    var prepare: () -> Void = {}
    let work: (_ first: Int, _ count: Int) -> Void
}

/// Times of one contestant, in ticks a value, one a round.
struct Timing {
    let name: String
    let level: String
    var ticks: [Double] = []

    var median: Double { ticks.sorted()[ticks.count / 2] }
    var best: Double { ticks.min() ?? 0 }
}

/// Runs every contestant once in each round, over a slice of the values that moves from round to round. Rounds are short, so
/// that an interruption spoils one of them only, and a slow moment of the machine hits all contestants alike.
func contest(_ contestants: [Contestant], rounds: Int, slice: Int, rows: Int) -> [Timing] {
    var timings = contestants.map { Timing(name: $0.name, level: $0.level) }
    for round in 0...rounds {
        let first = round * slice % (rows - slice + 1)
        for (i, contestant) in contestants.enumerated() {
            contestant.prepare()
            contestant.work(first, min(contestant.count, 64))  // the level's code is in the cache, its registers awake
            let start = peer_ticks()
            contestant.work(first, contestant.count)
            let ticks = Double(peer_ticks() - start) / Double(contestant.count)
            if round > 0 { timings[i].ticks.append(ticks) }  // the first round fills tables
        }
    }
    return timings
}

/// How fast the counter runs, measured against the wall clock.
func ticksPerSecond() -> Double {
    let clock = ContinuousClock()
    let start = peer_ticks()
    let begin = clock.now
    while begin.duration(to: clock.now) < .milliseconds(200) {}
    let ticks = Double(peer_ticks() - start)
    let elapsed = begin.duration(to: clock.now).components
    return ticks / (Double(elapsed.seconds) + Double(elapsed.attoseconds) * 1e-18)
}
