import Cluster
import Model

@testable import Scheduling

/// Somebody who submits a document and asks until it is a run.
final class Submitter {
    let index: Int
    let run: Scenario.Run
    let document: [UInt8]
    var target = 0
    var askedID = 0
    /// What the coordinators called the run.
    var name: String?
    /// It asks once more later, as somebody who has lost the answer.
    private var asksAgain = false

    init(index: Int, run: Scenario.Run) {
        self.index = index
        self.run = run
        document = Array("document \(index)".utf8)
    }

    var isDone: Bool { name != nil }
    private(set) var isSatisfied = false

    func hear(_ run: String) {
        isSatisfied = asksAgain
        asksAgain = true
        name = run
    }

    static func run(of document: [UInt8], in scenario: Scenario) -> Scenario.Run {
        scenario.runs[Int(String(decoding: document.dropFirst(9), as: UTF8.self))!]
    }
}

extension Simulation {
    func start(_ submitter: Submitter) {
        after(submitter.run.at, on: nil) { [self] in submit(submitter, offset: 0) }
    }

    /// In two pieces; whatever does not fit begins again at the first.
    private func submit(_ submitter: Submitter, offset: Int) {
        guard !submitter.isSatisfied else { return }
        let id = newID()
        submitter.askedID = id
        let piece = submitter.document[offset..<min(submitter.document.count, offset + 6)]
        let call = Call(
            node: "people", credential: "operator",
            request: .submit(
                Submission(
                    id: "submission-\(submitter.index)", documentPath: "d",
                    restartsOnSnapshotLoss: submitter.run.restarts,
                    offset: offset, total: submitter.document.count, bytes: Base64.encode(piece))))
        self.call(call, id: id, from: "people", process: nil, to: submitter.target) { [self] reply in
            guard submitter.askedID == id, !submitter.isSatisfied else { return }
            submitter.askedID = 0
            heard(reply, submitter, next: offset + piece.count)
        }
        after(Times.request, on: nil) { [self] in
            guard submitter.askedID == id else { return }
            submitter.target = 1 - submitter.target
            submit(submitter, offset: offset)
        }
    }

    private func heard(_ reply: Reply, _ submitter: Submitter, next: Int) {
        switch reply {
        case .submitted(let run):
            if let name = submitter.name, name != run { violate("submission \(submitter.index) is \(name) and \(run)") }
            submitter.hear(run)
            if !submitter.isSatisfied { after(between(1, 10), on: nil) { [self] in submit(submitter, offset: 0) } }
            note("submission \(submitter.index) is \(run)")
            if ledger.runs[run]?.start.submission != "submission-\(submitter.index)" {
                violate("submission \(submitter.index) was called \(run), which is another's")
            }
        case .accepted where next < submitter.document.count: submit(submitter, offset: next)
        case .accepted: after(0.3, on: nil) { [self] in submit(submitter, offset: 0) }
        case .notLeader:
            submitter.target = 1 - submitter.target
            after(0.3, on: nil) { [self] in submit(submitter, offset: 0) }
        default: after(0.3, on: nil) { [self] in submit(submitter, offset: 0) }
        }
    }
}
