import Foundation
import Glibc
import Testing

@testable import Telemetry

@Suite("Metrics")
struct MetricsTests {
    private enum Colour: String, MetricWord { case red, green }

    private static var page: Metrics {
        var page = Metrics()
        page.counter("etlx_a_total", "Back\\slash and\nline.", 9_007_199_254_740_993)
        page.counter("etlx_b_total", "By colour.", by: "colour", [Colour.green: 3])
        page.gauge("etlx_c", "None.", nil)
        page.gauge("etlx_d", "A measure.", 0.1)
        page.gauge("etlx_e", "By colour.", by: "colour", [Colour.red: 1, .green: 2])
        page.info("etlx_f", "Texts.", ["version": "1\\2\"3\n4 ü", "other": ""])
        var histogram = Histogram(bounds: [0.5, 1, 60])
        for value in [0.25, 0.5, 0.75, 100, .nan, .infinity] { histogram.observe(value) }
        histogram.observe(Duration.milliseconds(1500))
        page.histogram("etlx_g_seconds", "Times.", histogram)
        return page
    }

    @Test("are printed family by family")
    func golden() {
        #expect(
            Self.page.text == #"""
                # HELP etlx_a_total Back\\slash and\nline.
                # TYPE etlx_a_total counter
                etlx_a_total 9007199254740993
                # HELP etlx_b_total By colour.
                # TYPE etlx_b_total counter
                etlx_b_total{colour="red"} 0
                etlx_b_total{colour="green"} 3
                # HELP etlx_c None.
                # TYPE etlx_c gauge
                # HELP etlx_d A measure.
                # TYPE etlx_d gauge
                etlx_d 0.1
                # HELP etlx_e By colour.
                # TYPE etlx_e gauge
                etlx_e{colour="red"} 1
                etlx_e{colour="green"} 2
                # HELP etlx_f Texts.
                # TYPE etlx_f gauge
                etlx_f{version="1\\2\"3\n4 ü",other=""} 1
                # HELP etlx_g_seconds Times.
                # TYPE etlx_g_seconds histogram
                etlx_g_seconds_bucket{le="0.5"} 2
                etlx_g_seconds_bucket{le="1"} 3
                etlx_g_seconds_bucket{le="60"} 4
                etlx_g_seconds_bucket{le="+Inf"} 5
                etlx_g_seconds_sum 103
                etlx_g_seconds_count 5

                """#)
    }

    @Test("numbers keep their digits")
    func numbers() {
        #expect(Metrics.number(1e-7) == "1e-07" && Metrics.number(-3) == "-3" && Metrics.number(1e300) == "1e+300")
        #expect(Metrics.number(.infinity) == "+Inf" && Metrics.number(-.infinity) == "-Inf")
        #expect(Metrics.number(.nan) == "NaN" && Metrics.number(-0.0) == "0")
    }

    private static func families(_ page: Metrics) -> [String] {
        page.text.split(separator: "\n").filter { $0.hasPrefix("# TYPE ") }.map { String($0.dropFirst(7)) }
    }

    private static let process = ProcessFacts(openDescriptorCount: 12, residentBytes: 1 << 20, startTime: 1.5)

    @Test("of a coordinator have the names that dashboards know, each with all its states")
    func coordinator() {
        var metrics = CoordinatorMetrics()
        metrics.shards = [.ready: 3, .leased: 1]
        metrics.isLeader = true
        metrics.heartbeatAge = .milliseconds(2500)
        let page = metrics.page(Self.process)
        #expect(
            Self.families(page) == [
                "etlx_build_info gauge", "etlx_leader gauge", "etlx_epoch gauge", "etlx_runs gauge",
                "etlx_shards gauge", "etlx_nodes gauge", "etlx_shards_total counter", "etlx_publish_total counter",
                "etlx_lease_expired_total counter", "etlx_fenced_total counter",
                "etlx_dropped_rows_total counter", "etlx_requests_total counter", "etlx_nng_pipes gauge",
                "etlx_nng_socket_recreated_total counter", "etlx_heartbeat_age_seconds gauge",
                "etlx_source_snapshot_age_seconds gauge", "process_open_fds gauge",
                "process_resident_memory_bytes gauge", "process_start_time_seconds gauge",
            ])
        let samples = page.text.split(separator: "\n").filter { !$0.hasPrefix("#") }
        #expect(samples.contains(#"etlx_shards{state="ready"} 3"#) && samples.contains(#"etlx_shards{state="done"} 0"#))
        #expect(samples.contains("etlx_leader 1") && samples.contains("etlx_heartbeat_age_seconds 2.5"))
        #expect(!samples.contains { $0.hasPrefix("etlx_source_snapshot_age_seconds") }, "no snapshot, no age")
    }

    @Test("of a worker have the names that dashboards know")
    func worker() {
        var metrics = WorkerMetrics()
        metrics.rowsReadCount = 10
        metrics.shardSeconds.observe(Duration.seconds(3))
        let page = metrics.page(Self.process)
        #expect(
            Self.families(page) == [
                "etlx_build_info gauge", "etlx_rows_read_total counter", "etlx_bytes_read_total counter",
                "etlx_shard_duration_seconds histogram", "etlx_nng_socket_recreated_total counter",
                "etlx_heartbeat_age_seconds gauge", "process_open_fds gauge", "process_resident_memory_bytes gauge",
                "process_start_time_seconds gauge",
            ])
        #expect(page.text.contains("\netlx_shard_duration_seconds_bucket{le=\"5\"} 1\n"))
    }

    /// A foreign client fetches a page, and Prometheus's own parser reads it.
    private func foreignReading(of page: Metrics) throws -> [[String]] {
        let python = try #require(ProcessInfo.processInfo.environment["ETL_TEST_PYTHON"])
        let port = try HTTPPort(listeningOn: "127.0.0.1:0") { _ in .metrics(page) }
        let process = Process()
        process.executableURL = URL(filePath: python)
        let script = URL(filePath: #filePath).deletingLastPathComponent().appending(path: "metrics_check.py")
        process.arguments = ["-B", script.path, "http://\(port.address)/metrics"]
        let output = Pipe()
        process.standardOutput = output
        try process.run()
        let bytes = output.fileHandleForReading.readDataToEndOfFile()
        process.waitUntilExit()
        #expect(process.terminationStatus == 0)
        return try bytes.split(separator: 10).map { try JSONDecoder().decode([String].self, from: Data($0)) }
    }

    @Test("are read by Prometheus's own parser as they were meant")
    func foreignReader() throws {
        #expect(
            try foreignReading(of: Self.page) == [
                ["counter", "etlx_a_total", "", "9007199254740992.0"],
                ["counter", "etlx_b_total", "colour=red", "0.0"], ["counter", "etlx_b_total", "colour=green", "3.0"],
                ["gauge", "etlx_d", "", "0.1"], ["gauge", "etlx_e", "colour=red", "1.0"],
                ["gauge", "etlx_e", "colour=green", "2.0"],
                ["gauge", "etlx_f", "other=,version=1\\2\"3\n4 ü", "1.0"],
                ["histogram", "etlx_g_seconds_bucket", "le=0.5", "2.0"],
                ["histogram", "etlx_g_seconds_bucket", "le=1", "3.0"],
                ["histogram", "etlx_g_seconds_bucket", "le=60", "4.0"],
                ["histogram", "etlx_g_seconds_bucket", "le=+Inf", "5.0"],
                ["histogram", "etlx_g_seconds_sum", "", "103.0"], ["histogram", "etlx_g_seconds_count", "", "5.0"],
            ])
    }

    @Test("of both roles are read by Prometheus's own parser, a sample for each line")
    func foreignReaderOfRoles() throws {
        for page in [CoordinatorMetrics().page(), WorkerMetrics().page()] {
            let lines = page.text.split(separator: "\n").filter { !$0.hasPrefix("#") }
            let names = lines.map { String($0.prefix { $0 != " " && $0 != "{" }) }
            #expect(try foreignReading(of: page).map { $0[1] } == names)
        }
    }

    @Test("of the process come from the system")
    func processFacts() throws {
        let before = ProcessFacts.now()
        // Many, so that what other tests open and close meanwhile does not matter.
        let copies = (0..<400).map { _ in dup(STDERR_FILENO) }
        let after = ProcessFacts.now()
        for copy in copies { close(copy) }
        let fewer = try #require(before.openDescriptorCount)
        let more = try #require(after.openDescriptorCount)
        #expect((300...500).contains(more - fewer))
        let resident = try #require(before.residentBytes)
        #expect((1 << 20...1 << 36).contains(resident))
        let start = try #require(before.startTime)
        let age = Date().timeIntervalSince1970 - start
        #expect((-1...3600).contains(age), "tests take less than an hour")
        #expect(ProcessFacts.now().startTime == start)
    }
}
