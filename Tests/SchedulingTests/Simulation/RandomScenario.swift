import TestKit

extension Scenario {
    /// A small cluster in which anything may go wrong for a few seconds.
    static func random(seed: UInt64) -> Scenario {
        var random = SeededGenerator(seed: seed ^ 0x5eed)
        func pick(_ range: ClosedRange<Int>) -> Int { Int.random(in: range, using: &random) }
        func seconds(_ range: ClosedRange<Double>) -> Double {
            (Double.random(in: range, using: &random) * 1000).rounded() / 1000
        }
        /// Most scenarios leave most things alone, so that each fault also meets a cluster that works.
        func rate(_ highest: Double) -> Double { pick(0...1) == 0 ? seconds(0...highest) : 0 }
        let workers = pick(0...9) == 0 ? pick(3...6) : pick(2...3)
        let keepers = pick(0...5) == 0 ? 3 : 2
        let calmAt = seconds(4...9)
        let runs = (0..<(pick(0...1) == 0 ? pick(2...3) : 1)).map { _ in
            Run(
                at: seconds(0.1...4), module: "m\(pick(0...1))", shards: pick(0...20) == 0 ? 0 : pick(1...5),
                isDatabase: pick(0...4) != 0, restarts: pick(0...1) == 0, poison: pick(0...30) == 0 ? 0 : nil)
        }
        var rates = Rates()
        rates.lost = rate(0.15)
        rates.doubled = rate(0.2)
        rates.late = rate(0.1)
        rates.lateSeconds = seconds(0.2...8)
        rates.ledgerAnswerLost = rate(0.05)
        rates.commitLost = rate(0.4)
        rates.commitUnanswered = rate(0.4)
        rates.commitLate = rate(0.6)
        rates.coordinatorCrash = rate(0.01)
        rates.coordinatorStall = rate(0.02)
        rates.taskFails = rate(0.2)
        rates.taskFailsHere = rate(0.1)
        rates.taskBreaks = rate(0.02)
        rates.unbalanced = pick(0...4) == 0 ? rate(0.1) : 0
        rates.slow = rate(0.1)
        let processes =
            ["coordinator-0", "coordinator-1", "leader", "leader"] + (0..<workers).map { "worker-\($0)" }
            + (0..<keepers).map { "keeper-\($0)" }
        func anyone() -> String { processes[pick(0...processes.count - 1)] }
        let script = (0..<pick(0...8)).map { _ -> Fault in
            let at = seconds(0.5...calmAt)
            switch pick(0...15) {
            case 0, 1, 2: return Fault(at: at, kind: .kill, who: anyone(), seconds: seconds(0.1...4))
            case 3, 4: return Fault(at: at, kind: .killAfterWrite, who: "leader", seconds: seconds(0.1...4))
            case 5, 6, 7: return Fault(at: at, kind: .pause, who: anyone(), seconds: seconds(0.5...6))
            case 8: return Fault(at: at, kind: .cut, who: anyone(), seconds: seconds(0.5...6))
            case 9: return Fault(at: at, kind: .cut, who: anyone(), to: anyone(), seconds: seconds(0.5...6))
            case 10: return Fault(at: at, kind: .cut, who: "leader", to: "ledger", seconds: seconds(0.5...6))
            case 11: return Fault(at: at, kind: .ledgerDown, who: "ledger", seconds: seconds(0.2...5))
            case 12: return Fault(at: at, kind: .drain, who: anyone())
            case 13 where pick(0...2) == 0: return Fault(at: at, kind: .cancel, who: "0")
            case 14: return Fault(at: at, kind: .foreignVersion, who: "m0")
            default: return Fault(at: at, kind: .stranger, who: "worker-0")
            }
        }
        var scenario = Scenario(
            name: "random \(seed)", workers: workers, keepers: keepers, slots: pick(1...2), runs: runs, calmAt: calmAt,
            rates: rates, script: script.sorted { $0.at < $1.at })
        scenario.addMore(seed: seed)
        return scenario
    }

    /// What was thought of later, by a generator of its own: most seeds stay what they were.
    private mutating func addMore(seed: UInt64) {
        var random = SeededGenerator(seed: seed ^ 0xaddd)
        switch Int.random(in: 0...7, using: &random) {
        case 0...2: hasLongLeases = true
        case 3:
            // The snapshots of whatever is read are lost, and the leader dies over it.
            let at = (Double.random(in: 1.5...calmAt, using: &random) * 1000).rounded() / 1000
            if Bool.random(using: &random) {
                script.append(Fault(at: 0.5, kind: .killAfterWrite, who: "leader", to: "aborted", seconds: 0.5))
            }
            script += (0..<keepers).map { Fault(at: at, kind: .kill, who: "keeper-\($0)", seconds: 1) }
            script.sort { $0.at < $1.at }
        default: break
        }
    }
}
