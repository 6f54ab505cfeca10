/// The numbers of a worker or keeper, and the page that it shows of them. Counts are of this process.
package struct WorkerMetrics: Sendable {
    /// Rows and bytes of all attempts, also of those that came to nothing.
    package var rowsReadCount = 0
    package var bytesReadCount = 0
    /// From the grant to the receipt or the failure.
    package var shardSeconds = Histogram.shardSeconds
    package var socketRecreatedCount = 0
    /// Since the newest answered heartbeat was sent; nil before the first.
    package var heartbeatAge: Duration?

    package init() {}

    package func page(_ process: ProcessFacts = .now()) -> Metrics {
        var page = Metrics()
        page.addBuild()
        page.counter("etlx_rows_read_total", "Rows read from sources.", rowsReadCount)
        page.counter("etlx_bytes_read_total", "Bytes read from sources.", bytesReadCount)
        page.histogram("etlx_shard_duration_seconds", "Time of attempts at shards.", shardSeconds)
        page.addSilence(heartbeatAge, socketRecreatedCount)
        process.add(to: &page)
        return page
    }
}
