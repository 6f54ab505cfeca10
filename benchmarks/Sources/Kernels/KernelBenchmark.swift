import CPeers
import Foundation

/// Kernels in cycles and values a second beside OpenSSL and a copy, one thread.
///
///     swift run --package-path benchmarks -c release Kernels [--rows N] [--rounds N] [--json FILE]
///
/// Values are 24 bytes long (16 digits for FF1). Results are compared with OpenSSL's or the plain version's before anything is timed; a disagreement ends with status 1.
@main
struct KernelBenchmark {
    static func option(_ name: String) -> String? {
        CommandLine.arguments.firstIndex(of: name).flatMap { CommandLine.arguments.dropFirst($0 + 1).first }
    }

    static func main() throws {
        let rounds = option("--rounds").flatMap(Int.init) ?? 100
        let bench = Workbench(rows: option("--rows").flatMap(Int.init) ?? 1 << 19, slice: 1 << 13)
        let wrong = bench.disagreements()
        guard wrong.isEmpty else {
            print("wrong: \(wrong.joined(separator: ", "))")
            exit(1)
        }
        let timings = contest(bench.contestants(), rounds: rounds, slice: bench.slice, rows: bench.rows)
        let report = Report(
            rows: bench.rows, rounds: rounds, chosen: bench.chosen, ticksPerSecond: ticksPerSecond(),
            cyclesPerTick: peer_cycles_per_tick(),
            timings: timings)
        print(report.table)
        if let path = option("--json") { try report.json().write(to: URL(filePath: path)) }
    }
}
