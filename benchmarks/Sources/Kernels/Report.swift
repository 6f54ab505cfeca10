import CPeers
import Foundation

/// What was measured, as a table and as JSON.
struct Report {
    let rows: Int
    let rounds: Int
    /// What the kernels use when no level is forced: a version for each.
    let chosen: [String: String]
    let ticksPerSecond: Double
    /// 0 where it is not known.
    let cyclesPerTick: Double
    let timings: [Timing]

    private static func cell(_ number: Double, _ width: Int) -> String {
        let text = String(format: "%.1f", number)
        return String(repeating: " ", count: max(0, width - text.count)) + text
    }

    var table: String {
        var lines = [
            "\(machineName()); \(String(cString: peer_compiler())); \(String(cString: peer_openssl()))",
            "\(rows) values, \(rounds) rounds, one thread; \(Int(ticksPerSecond / 1e6)) M ticks a second, "
                + String(format: "%.2f", cyclesPerTick)
                + " core cycles a tick; a value costs (medians, and the best round):",
            "what                    level              ticks  cycles    best  M values/s  times EVP_MAC",
        ]
        for timing in timings {
            let peer = timings.first { $0.level == "OpenSSL EVP_MAC" && timing.name.hasPrefix($0.name) }
            lines.append(
                timing.name.padding(toLength: 24, withPad: " ", startingAt: 0)
                    + timing.level.padding(toLength: 16, withPad: " ", startingAt: 0) + Self.cell(timing.median, 8)
                    + Self.cell(timing.median * cyclesPerTick, 8) + Self.cell(timing.best * cyclesPerTick, 8)
                    + Self.cell(ticksPerSecond / timing.median / 1e6, 12)
                    + (peer.map { Self.cell($0.median / timing.median, 15) } ?? ""))
        }
        return lines.joined(separator: "\n")
    }

    func json() throws -> Data {
        let results = timings.map { timing -> [String: Any] in
            [
                "what": timing.name, "level": timing.level, "ticksMedian": timing.median, "ticksBest": timing.best,
                "cyclesMedian": timing.median * cyclesPerTick, "valuesPerSecond": ticksPerSecond / timing.median,
            ]
        }
        let report: [String: Any] = [
            "machine": machineName(), "compiler": String(cString: peer_compiler()),
            "openssl": String(cString: peer_openssl()),
            "level": chosen.sorted { $0.key < $1.key }.map { "\($0.key) \($0.value)" }.joined(separator: ", "),
            "rows": rows,
            "rounds": rounds, "ticksPerSecond": ticksPerSecond, "cyclesPerTick": cyclesPerTick, "results": results,
        ]
        return try JSONSerialization.data(withJSONObject: report, options: [.prettyPrinted, .sortedKeys])
    }
}
