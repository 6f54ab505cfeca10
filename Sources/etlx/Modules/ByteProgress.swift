import Cluster
import Foundation
import Model

/// Progress of work that is counted in bytes: a bar on a terminal, otherwise a line a second on standard error; nothing
/// with `--json`, whose one document is the result, or with `--quiet`.
final class ByteProgress {
    private let verb: String
    private let total: Int64
    private let isBar: Bool
    private let isSilent: Bool
    private let start = NodeClock.now
    private var lastShown = NodeClock.now
    private var hasBar = false
    private var done: Int64 = 0

    init(_ verb: String, total: Int64, _ options: CommonOptions) {
        self.verb = verb
        self.total = total
        isBar = Console.isErrorTerminal
        isSilent = options.json || options.quiet
    }

    func add(_ bytes: Int64) { show(done + bytes) }

    /// - Parameter bytes: done in all.
    func show(_ bytes: Int64) {
        done = bytes
        guard !isSilent else { return }
        let now = NodeClock.now
        guard now - lastShown >= (isBar ? .milliseconds(200) : .seconds(1)) else { return }
        lastShown = now
        let elapsed = (now - start).inSeconds
        if isBar {
            hasBar = true
            FileHandle.standardError.write(Data("\r\u{1b}[K\(line(elapsed))".utf8))
        } else {
            Console.standardError(line(elapsed))
        }
    }

    /// Leaves the terminal's line clean for what comes.
    func finish() {
        guard hasBar else { return }
        FileHandle.standardError.write(Data("\r\u{1b}[K".utf8))
        hasBar = false
    }

    private func line(_ elapsed: Double) -> String {
        let speed = Double(done) / max(elapsed, 0.001)
        var parts = ["\(verb) \(Console.size(done)) of \(Console.size(total))", "\(Console.size(Int64(speed)))/s"]
        if total > done, speed > 0 { parts.append("\(Console.time(Double(total - done) / speed)) left") }
        return parts.joined(separator: "  ")
    }
}
