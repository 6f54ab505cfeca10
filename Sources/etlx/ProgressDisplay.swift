import Cluster
import Coordinator
import Foundation
import Model

/// A run's progress: a bar on a terminal, a line a second otherwise, objects with `--json`, nothing with `--quiet`.
final class ProgressDisplay {
    private enum Style { case bar, lines, objects, none }

    private let style: Style
    private let start = NodeClock.now
    private var lastShown: Instant?
    private var hasBar = false

    init(_ options: CommonOptions) {
        style = options.json ? .objects : options.quiet ? .none : Console.isErrorTerminal ? .bar : .lines
    }

    func show(_ progress: ClusterStatus.Run, workers: Int) {
        let now = NodeClock.now
        let interval: Duration = style == .bar ? .milliseconds(200) : .seconds(1)
        if let lastShown, now - lastShown < interval { return }
        lastShown = now
        let elapsed = (now - start).inSeconds
        switch style {
        case .none: return
        case .objects:
            print(object(progress, workers, elapsed).text())
            fflush(nil)
        case .lines: Console.standardError(line(progress, elapsed))
        case .bar:
            hasBar = true
            FileHandle.standardError.write(Data("\r\u{1b}[K\(bar(progress)) \(line(progress, elapsed))".utf8))
        }
    }

    /// Warnings of the run's plan.
    func show(_ warnings: [Problem]) {
        guard !warnings.isEmpty else { return }
        switch style {
        case .none: return
        case .objects: print(JSON.record(["event": "planned", "warnings": .list(warnings.map(\.json))]).text())
        case .lines, .bar:
            finish()
            Console.report(warnings, json: false)
        }
    }

    /// Leaves the terminal's line clean for what comes.
    func finish() {
        guard hasBar else { return }
        FileHandle.standardError.write(Data("\r\u{1b}[K".utf8))
        hasBar = false
    }

    private func share(_ progress: ClusterStatus.Run) -> Double {
        guard progress.estimatedBytes > 0 else {
            return progress.shards == 0 ? 0 : Double(progress.shardsDone) / Double(progress.shards)
        }
        return min(1, Double(progress.bytes) / Double(progress.estimatedBytes))
    }

    private func bar(_ progress: ClusterStatus.Run) -> String {
        let filled = Int(share(progress) * 24)
        return "[" + String(repeating: "#", count: filled) + String(repeating: ".", count: 24 - filled) + "]"
    }

    private func line(_ progress: ClusterStatus.Run, _ elapsed: Double) -> String {
        guard progress.phase != .planning, progress.phase != .queued else { return progress.phase.rawValue }
        guard progress.phase == .extracting else { return "publishing" }
        let share = share(progress)
        var parts = [
            String(format: "%3.0f%%", share * 100), "\(Console.grouped(progress.rows)) rows",
            Console.size(progress.bytes), "shards \(progress.shardsDone)/\(progress.shards)",
            "\(Console.grouped(Int64(Double(progress.rows) / max(elapsed, 0.001)))) rows/s",
        ]
        if share > 0.02, share < 1 { parts.append("\(Console.time(elapsed / share - elapsed)) left") }
        return parts.joined(separator: "  ")
    }

    private func object(_ progress: ClusterStatus.Run, _ workers: Int, _ elapsed: Double) -> JSON {
        .record([
            "event": "progress", "phase": .text(progress.phase.rawValue),
            "shards_done": .integer(Int64(progress.shardsDone)),
            "shards": .integer(Int64(progress.shards)), "rows": .integer(progress.rows),
            "bytes": .integer(progress.bytes), "estimated_rows": .integer(progress.estimatedRows),
            "estimated_bytes": .integer(progress.estimatedBytes), "workers": .integer(Int64(workers)),
            "elapsed_seconds": .number((elapsed * 1000).rounded() / 1000),
        ])
    }
}
