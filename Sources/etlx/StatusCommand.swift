import ArgumentParser
import Cluster
import Foundation
import Model

struct StatusCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "status",
        abstract: "Shows a cluster's runs, shards and nodes.",
        discussion: """
              etlx status --coordinator tls+tcp://coordinator-0:7443 --operator-token operator.token
              etlx status RUN --cancel --coordinator … --operator-token …
            """)

    @Argument(
        help: ArgumentHelp("One run; by default those that are open and the newest that ended.", valueName: "run"))
    var wanted: String?

    @OptionGroup var desk: OperatorOptions

    @Flag(help: "Give the run up; the last version is untouched.")
    var cancel = false

    @Flag(help: "Watch the run until it ends.")
    var wait = false

    @OptionGroup var common: CommonOptions

    func validate() throws {
        if cancel || wait, wanted == nil { throw ValidationError("\(cancel ? "--cancel" : "--wait") needs a RUN") }
    }

    func run() throws {
        let desk = try desk.desk()
        if cancel, let run = wanted {
            switch try desk.ask(.cancel(run: run)) {
            case .accepted: if !common.quiet { print("cancelled run \(run)") }
            case .refused(let reason): throw Stop(.failed, "run \(run): \(reason)")
            default: throw Stop(.unreachable, "an answer that does not fit")
            }
            return
        }
        if wait, let run = wanted { return try RunWatch(desk: desk, common: common, submission: nil).follow(run) }
        let reply = try desk.ask(.status(run: wanted))
        switch reply {
        case .status(let status):
            if let run = wanted, status.runs.isEmpty { throw Stop(.failed, "the cluster knows no run \(run)") }
            print(common.json ? StatusReport(status).json.text() : StatusReport(status).text)
        case .refused(let reason): throw Stop(.wrongDocument, reason)
        default: throw Stop(.unreachable, "an answer that does not fit")
        }
    }
}

/// A cluster's state, for people and for programs.
struct StatusReport {
    let status: ClusterStatus

    init(_ status: ClusterStatus) { self.status = status }

    var text: String {
        var lines = ["coordinator epoch \(status.epoch), \(status.build)", ""]
        if status.runs.isEmpty { lines.append("no runs") }
        for run in status.runs { lines += Self.lines(run) }
        let workers = status.nodes.count { $0.name.hasPrefix("worker") }
        lines += [
            "",
            "nodes: \(status.nodeCount)\(status.nodes.count < status.nodeCount ? ", the first \(status.nodes.count):" : ", \(workers) workers")",
        ]
        for node in status.nodes {
            lines.append(
                "  \(node.name)  \(node.host.isEmpty ? "-" : node.host)  \(node.tasks)\(node.slots > 0 ? "/\(node.slots) slots busy" : " tasks")  heard \(Console.time(Double(node.silentMilliseconds) / 1000)) ago"
            )
        }
        return lines.joined(separator: "\n")
    }

    private static func lines(_ run: ClusterStatus.Run) -> [String] {
        var lines = [
            "\(run.module)  \(run.run)  \(run.phase.rawValue)\(run.version.map { " as version \($0)" } ?? "")  since \(run.startedAt)"
        ]
        if run.shards > 0 {
            lines.append(
                "  shards: \(run.shardsDone) done, \(run.shardsLeased) in hand, \(run.shardsReady) waiting of \(run.shards);"
                    + " \(Console.grouped(run.rows)) of about \(Console.grouped(run.estimatedRows)) rows")
        }
        if !run.holders.isEmpty { lines.append("  snapshots held by \(run.holders.joined(separator: ", "))") }
        if let failure = run.failure { lines.append("  \(failure.message)") }
        if let next = run.restartedAs { lines.append("  begun anew as \(next)") }
        return lines
    }

    var json: JSON {
        .record([
            "epoch": .integer(status.epoch), "build": .text(status.build),
            "node_count": .integer(Int64(status.nodeCount)),
            "runs": .list(status.runs.map(Self.json)), "nodes": .list(status.nodes.map(Self.json)),
        ])
    }

    private static func json(_ run: ClusterStatus.Run) -> JSON {
        .record([
            "run": .text(run.run), "module": .text(run.module), "phase": .text(run.phase.rawValue),
            "started_at": .text(run.startedAt), "shards": .integer(Int64(run.shards)),
            "shards_ready": .integer(Int64(run.shardsReady)), "shards_leased": .integer(Int64(run.shardsLeased)),
            "shards_done": .integer(Int64(run.shardsDone)), "rows": .integer(run.rows),
            "estimated_rows": .integer(run.estimatedRows), "bytes": .integer(run.bytes),
            "estimated_bytes": .integer(run.estimatedBytes), "holders": .list(run.holders.map { .text($0) }),
            "version": run.version.map { .integer(Int64($0)) }, "restarted_as": run.restartedAs.map { .text($0) },
            "failure": run.failure.map { failure in
                .record([
                    "kind": .text(failure.kind.rawValue), "message": .text(failure.message),
                    "code": failure.code.map { .text($0) },
                ])
            },
        ])
    }

    private static func json(_ node: ClusterStatus.Node) -> JSON {
        .record([
            "name": .text(node.name), "host": .text(node.host), "slots": .integer(Int64(node.slots)),
            "tasks": .integer(Int64(node.tasks)), "silent_milliseconds": .integer(Int64(node.silentMilliseconds)),
        ])
    }
}
