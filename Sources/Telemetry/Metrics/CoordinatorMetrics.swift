internal import Model

/// The numbers of a coordinator, and the page that it shows of them. Counts are of this process, over all its runs.
package struct CoordinatorMetrics: Sendable {
    package enum ShardState: String, MetricWord { case ready, leased, done, quarantined, cancelled }
    /// How attempts ended.
    package enum Outcome: String, MetricWord { case accepted, failed, lost, released, fenced }
    package enum RunState: String, MetricWord { case planning, extracting, sealed, committing, published, failed }
    /// `conflict`: another run published first; `unknown`: the store did not answer.
    package enum PublishResult: String, MetricWord { case published, conflict, failed, unknown }
    package enum Role: String, MetricWord { case worker, keeper }

    package var isLeader = false
    package var epoch = 0
    package var runs: [RunState: Int] = [:]
    package var shards: [ShardState: Int] = [:]
    package var nodes: [Role: Int] = [:]
    package var ended: [Outcome: Int] = [:]
    package var published: [PublishResult: Int] = [:]
    package var leaseExpiredCount = 0
    package var fencedCount = 0
    package var droppedRowCount = 0
    package var requestCount = 0
    package var pipeCount = 0
    package var socketRecreatedCount = 0
    /// Of the node that was silent longest; nil without nodes.
    package var heartbeatAge: Duration?
    /// Of the oldest snapshot that is held; nil when none is.
    package var snapshotAge: Duration?

    package init() {}

    package func page(_ process: ProcessFacts = .now()) -> Metrics {
        var page = Metrics()
        page.addBuild()
        page.gauge("etlx_leader", "1 while this coordinator leads.", isLeader ? 1 : 0)
        page.gauge("etlx_epoch", "Epoch of the leadership.", Double(epoch))
        page.gauge("etlx_runs", "Runs by state.", by: "state", runs)
        page.gauge("etlx_shards", "Shards of the runs under way, by state.", by: "state", shards)
        page.gauge("etlx_nodes", "Nodes that have joined, by role.", by: "role", nodes)
        page.counter("etlx_shards_total", "Attempts at shards that ended, by outcome.", by: "outcome", ended)
        page.counter("etlx_publish_total", "Attempts to publish a version, by result.", by: "result", published)
        page.counter("etlx_lease_expired_total", "Leases that ran out.", leaseExpiredCount)
        page.counter("etlx_fenced_total", "Messages that were refused because their token was old.", fencedCount)
        page.counter("etlx_dropped_rows_total", "Rows of accepted parts that were dropped.", droppedRowCount)
        page.counter("etlx_requests_total", "Requests that were answered.", requestCount)
        page.gauge("etlx_nng_pipes", "Connections of nodes.", Double(pipeCount))
        page.addSilence(heartbeatAge, socketRecreatedCount)
        page.gauge(
            "etlx_source_snapshot_age_seconds", "Age of the oldest snapshot that is held.",
            snapshotAge.map { $0 / .seconds(1) })
        process.add(to: &page)
        return page
    }
}

extension Metrics {
    mutating func addBuild() {
        info("etlx_build_info", "The running version.", ["version": ProductVersion.text])
    }

    /// What both roles say of their connections.
    mutating func addSilence(_ heartbeatAge: Duration?, _ socketRecreatedCount: Int) {
        counter("etlx_nng_socket_recreated_total", "Sockets that were made anew.", socketRecreatedCount)
        gauge(
            "etlx_heartbeat_age_seconds",
            "Time since the last answered heartbeat; on a coordinator, of the node that was silent longest.",
            heartbeatAge.map { $0 / .seconds(1) })
    }
}
