import Cluster
import Model

@testable import Scheduling

/// One direction between two places in which every message is lost; an empty name is any place.
struct Cut {
    let from: String
    let to: String
    let until: Int64
}

extension Simulation {
    func isCut(_ from: String, _ to: String) -> Bool {
        cuts.contains { cut in
            cut.until > now && (cut.from.isEmpty || cut.from == from) && (cut.to.isEmpty || cut.to == to)
        }
    }

    /// A message: lost, doubled, late and overtaken, and heard by whoever is there under the name when it comes.
    func send(from: String, to: SimulatedProcess, _ body: @escaping () -> Void) {
        for _ in 0..<(chance(scenario.rates.doubled) ? 2 : 1) {
            guard !isCut(from, to.label), !chance(scenario.rates.lost) else { continue }
            let isLate = chance(scenario.rates.late)
            let delay = isLate ? between(0.02, scenario.rates.lateSeconds) : between(0.001, 0.02)
            after(delay, on: nil) { [self] in
                guard to.isUp else { return }
                // Delivered to a process that stands still, it waits in its socket.
                after(0, on: to, body)
            }
        }
    }

    /// Asks the coordinator at a place; the answer, if one comes, is told where it was asked from.
    func call(
        _ call: Call, id: Int, from label: String, process: SimulatedProcess?, to place: Int,
        _ heard: @escaping (Reply) -> Void
    ) {
        let coordinator = coordinators[place]
        send(from: label, to: coordinator) { [self] in
            arrive(
                Inbound(id: id, call: call) { [self] reply in
                    answer(reply, from: coordinator, to: label, process, heard)
                }, at: coordinator)
        }
    }

    private func answer(
        _ reply: Reply, from coordinator: CoordinatorProcess, to label: String, _ process: SimulatedProcess?,
        _ heard: @escaping (Reply) -> Void
    ) {
        guard let process else {
            guard !isCut(coordinator.label, label), !chance(scenario.rates.lost) else { return }
            return after(between(0.001, 0.02), on: nil) { heard(reply) }
        }
        send(from: coordinator.label, to: process) { heard(reply) }
    }

    /// Carries something out at the ledger, or does not, or does and tells nobody.
    func atLedger<Answer>(
        _ process: SimulatedProcess, _ work: @escaping (inout ModelLedger) throws(ModelLedger.Fault) -> Answer,
        _ done: @escaping (Result<Answer, ModelLedger.Fault>) -> Void
    ) {
        func unreachable() { after(Times.ledger, on: process) { done(.failure(.unreachable)) } }
        stall(process)
        after(between(0.001, 0.02), on: process) { [self] in
            guard !isCut(process.label, "ledger"), ledgerDownUntil <= now else { return unreachable() }
            after(between(0.001, 0.02), on: nil) { [self] in
                guard ledgerDownUntil <= now else { return unreachable() }
                let answer: Result<Answer, ModelLedger.Fault>
                do throws(ModelLedger.Fault) { answer = .success(try work(&ledger)) } catch { answer = .failure(error) }
                if chance(scenario.rates.ledgerAnswerLost) || isCut("ledger", process.label) { return unreachable() }
                after(between(0.001, 0.02), on: process) { done(answer) }
            }
        }
    }

    /// Appends, and looks at what became durable.
    func append(
        _ records: [ClusterState.Record], epoch: Int64, at time: String, by process: CoordinatorProcess,
        _ done: @escaping (Result<Void, ModelLedger.Fault>) -> Void
    ) {
        atLedger(
            process,
            { [self] (ledger) throws(ModelLedger.Fault) in
                let before = ledger
                do throws(ModelLedger.Fault) {
                    try ledger.append(records, epoch: epoch, at: time)
                    checkDurable(records, before: before, after: ledger, epoch: epoch)
                } catch {
                    if case .refused(let reason) = error { violate("the ledger refused a record: \(reason)") }
                    throw error
                }
                let isFatal = process.fatalRecord.isEmpty || records.contains { $0.record.word == process.fatalRecord }
                if process.diesAfterWrite, isFatal, process.leader?.epoch == epoch {
                    process.diesAfterWrite = false
                    kill(process, for: process.deathSeconds)
                }
            }, done)
    }
}
