internal import Foundation
internal import Glibc

/// What the system says of this process, from `/proc`; nil where it says nothing.
package struct ProcessFacts: Hashable, Sendable {
    package var openDescriptorCount: Int?
    package var residentBytes: Int?
    /// Seconds of Unix time.
    package var startTime: Double?

    package init(openDescriptorCount: Int? = nil, residentBytes: Int? = nil, startTime: Double? = nil) {
        self.openDescriptorCount = openDescriptorCount
        self.residentBytes = residentBytes
        self.startTime = startTime
    }

    /// Cost: three small reads.
    package static func now() -> ProcessFacts {
        let pages = text("/proc/self/statm")?.split(separator: " ").dropFirst().first.flatMap { Int($0) }
        return ProcessFacts(
            // One of them is open for this list only.
            openDescriptorCount: (try? FileManager.default.contentsOfDirectory(atPath: "/proc/self/fd")).map {
                $0.count - 1
            },
            residentBytes: pages.map { $0 * sysconf(CInt(_SC_PAGESIZE)) }, startTime: start)
    }

    private static let start: Double? = {
        // The command's name, in parentheses, may hold anything; field 22 counts from the one before it.
        guard let stat = text("/proc/self/stat"), let end = stat.lastIndex(of: ")"),
            let boot = text("/proc/stat")?.split(separator: "\n").first(where: { $0.hasPrefix("btime ") })
        else { return nil }
        let fields = stat[end...].split(separator: " ")
        guard fields.count > 20, let ticks = Double(fields[20]), let booted = Double(boot.dropFirst(6)) else {
            return nil
        }
        return booted + ticks / Double(sysconf(CInt(_SC_CLK_TCK)))
    }()

    private static func text(_ path: String) -> String? {
        (try? Data(contentsOf: URL(filePath: path))).map { String(decoding: $0, as: UTF8.self) }
    }

    func add(to metrics: inout Metrics) {
        metrics.gauge("process_open_fds", "Open file descriptors.", openDescriptorCount.map(Double.init))
        metrics.gauge("process_resident_memory_bytes", "Resident memory in bytes.", residentBytes.map(Double.init))
        metrics.gauge("process_start_time_seconds", "Start of the process in seconds of Unix time.", startTime)
    }
}
