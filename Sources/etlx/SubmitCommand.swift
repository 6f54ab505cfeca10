import ArgumentParser
import Cluster
import Foundation
import Model

struct SubmitCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "submit",
        abstract: "Hands a pipeline to a running cluster.",
        discussion: """
            The document goes as it is written: its keys and its sources' passwords are looked up by the workers that
            need them. Handed over again after a lost answer, it is the same run.

              etlx submit clinic.yaml --coordinator tls+tcp://coordinator-0:7443 \\
                  --operator-token operator.token --wait
            """)

    @Argument(help: "The pipeline document.")
    var pipeline: String

    @OptionGroup var desk: OperatorOptions

    @Flag(help: "Show the run's progress until it ends, and end with its exit code.")
    var wait = false

    enum SnapshotLoss: String, ExpressibleByArgument { case restart, fail }

    @Option(
        help: ArgumentHelp(
            "When every keeper of the sources' snapshots is lost: begin anew, once, or fail.", valueName: "restart|fail"
        ))
    var onSnapshotLoss: SnapshotLoss = .restart

    @OptionGroup var common: CommonOptions

    func run() throws {
        guard let data = FileManager.default.contents(atPath: pipeline) else {
            throw Stop(.wrongDocument, "\(pipeline): cannot be read")
        }
        guard data.count <= Limits.bytesPerDocument else {
            throw Stop(
                .wrongDocument,
                "\(pipeline): a document of \(data.count) bytes; expected at most \(Limits.bytesPerDocument)")
        }
        let desk = try desk.desk()
        let submission = SubmittedDocument(
            id: UUID().uuidString.lowercased(), path: URL(fileURLWithPath: pipeline).standardizedFileURL.path,
            bytes: [UInt8](data), restarts: onSnapshotLoss == .restart, desk: desk)
        let run = try submission.handOver()
        tell(run)
        if wait { try RunWatch(desk: desk, common: common, submission: submission).follow(run) }
    }

    private func tell(_ run: String) {
        if common.json {
            print(JSON.record(["event": "submitted", "run": .text(run)]).text())
            fflush(nil)
        } else if !common.quiet {
            print("submitted as run \(run)")
        }
    }
}

/// A document on its way to a coordinator, in pieces; the same id however often it is sent.
struct SubmittedDocument {
    let id: String
    let path: String
    let bytes: [UInt8]
    let restarts: Bool
    let desk: OperatorDesk

    /// - Returns: the run that came of it.
    func handOver() throws -> String {
        var offset = 0
        // A coordinator that took over in the middle has lost the first pieces.
        var restarts = 0
        let deadline = NodeClock.now + Limits.submissionPatience
        while NodeClock.now < deadline {
            let end = min(bytes.count, offset + Limits.bytesPerFetchedSlice)
            let reply = try desk.ask(
                .submit(
                    Submission(
                        id: id, documentPath: path, restartsOnSnapshotLoss: self.restarts, offset: offset,
                        total: bytes.count, bytes: Base64.encode(bytes[offset..<end]))))
            switch reply {
            case .submitted(let run): return run
            case .accepted where end < bytes.count: offset = end
            // Whole, and being opened.
            case .accepted: Thread.sleep(forTimeInterval: 0.1)
            case .refused(Submission.crowd): Thread.sleep(forTimeInterval: 1)
            case .refused(let reason) where offset > 0 && restarts < 3 && reason == Submission.misfit:
                offset = 0
                restarts += 1
            case .refused(let reason): throw Stop(.wrongDocument, reason)
            default: throw Stop(.unreachable, "the coordinator at \(desk.place): an answer that does not fit")
            }
        }
        throw Stop(.unreachable, "the coordinator at \(desk.place) does not open the document")
    }
}

/// A run watched until it ends.
struct RunWatch {
    let desk: OperatorDesk
    let common: CommonOptions
    /// To find the run that took the place of one whose snapshot was lost.
    let submission: SubmittedDocument?

    func follow(_ first: String) throws {
        var name = first
        let display = ProgressDisplay(common)
        defer { display.finish() }
        while true {
            // A standby may need a while to take over.
            guard case .status(let status) = try desk.ask(.status(run: name), patience: .seconds(120)) else {
                throw Stop(.unreachable, "the coordinator at \(desk.place): an answer that does not fit")
            }
            guard let run = status.runs.first else { throw Stop(.failed, "the coordinator does not know run \(name)") }
            display.show(run, workers: status.nodes.count { $0.name.hasPrefix("worker") })
            switch run.phase {
            case .published:
                display.finish()
                tell(run)
                return
            case .failed:
                if run.restartedAs == "" {
                    // On its way; another coordinator may have to take over first.
                    Thread.sleep(forTimeInterval: 0.25)
                    continue
                }
                if let next = run.restartedAs {
                    display.finish()
                    if !common.quiet { Console.note("its snapshots were lost; begun anew as run \(next)") }
                    name = next
                    continue
                }
                display.finish()
                throw stop(
                    for: run.failure ?? TaskFailure(kind: .worker, disposition: .failRun, message: "the run failed"),
                    json: common.json)
            case .queued, .planning, .extracting, .publishing: Thread.sleep(forTimeInterval: 0.25)
            }
        }
    }

    private func tell(_ run: ClusterStatus.Run) {
        if common.json {
            print(
                JSON.record([
                    "event": "published", "run": .text(run.run), "module": .text(run.module),
                    "version": run.version.map { .integer(Int64($0)) },
                    "rows_dropped": run.rowsDropped.map { .integer($0) },
                ]).text())
        } else if !common.quiet {
            print("published \(run.module)@\(run.version ?? 0): \(Console.grouped(run.rows)) rows")
            if let dropped = run.rowsDropped, dropped > 0 {
                Console.warning(
                    "\(Console.grouped(dropped)) rows were dropped; `etlx modules STORE show` says by which rules")
            }
        }
    }
}
