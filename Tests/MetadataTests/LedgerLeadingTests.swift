import Foundation
import Model
import TestKit
import Testing

@testable import Metadata

@Suite(
    "Leading a ledger in PostgreSQL",
    .enabled(if: PostgresTestServer.shared != nil, Comment(rawValue: PostgresTestServer.reasonToSkip)))
struct LedgerLeadingTests {
    private static let aborted = LedgerStory.entry(.aborted(LedgerStory.failure))

    @Test("another takes over only when the lease has run out, under a higher epoch; the one before is refused")
    func takeOver() throws {
        try LedgerHome.with(.postgres) { home in
            let first = try home.watch()
            #expect(try first.leader() == nil)
            #expect(try first.acquire(holder: "a", address: "tcp://a") == 1)
            try first.begin(LedgerStory.start)
            let second = try home.watch()
            #expect(try second.leader().map { "\($0.epoch) \($0.address)" } == "1 tcp://a")
            #expect(try second.acquire(holder: "b", address: "tcp://b") == nil)
            #expect(try first.renew())
            #expect(try second.acquire(holder: "b", address: "tcp://b") == nil)
            // A lease that ran out still writes and can be renewed as long as nobody has taken over.
            _ = try home.sql("UPDATE coordinator SET expires_at = expires_at - 86400000")
            #expect(try second.leader() == nil)
            try first.append([LedgerStory.entry(.planning(epoch: 1, token: 1, worker: "k"))])
            #expect(try second.acquire(holder: "b", address: "tcp://b") == 2)
            #expect(try second.openRuns() == [Fixture.run])

            let head = try second.auditHead()
            let late = #expect(throws: LedgerError.self) { try first.append([Self.aborted]) }
            #expect(late?.code == .deposed)
            #expect(try second.auditHead() == head && second.load(Fixture.run).state == .planning)
            #expect(try first.renew() == false)
            #expect(try first.acquire(holder: "a", address: "tcp://a") == nil)
            try second.append([LedgerStory.entry(.planning(epoch: 2, token: 2, worker: "k"))])
            #expect(try second.firstBrokenAuditRow() == nil)
        }
    }

    @Test("who resigned writes nothing, and the next need not wait")
    func resigning() throws {
        try LedgerHome.with(.postgres) { home in
            let (first, second) = (try home.open(as: "a"), try home.watch())
            try first.begin(LedgerStory.start)
            try first.resign()
            #expect(try second.leader() == nil)
            #expect(try second.acquire(holder: "b", address: "tcp://b") == 2)
            let late = #expect(throws: LedgerError.self) { try first.append([Self.aborted]) }
            #expect(late?.code == .deposed)
            // Not another's lease.
            try first.resign()
            #expect(try second.renew())
        }
    }

    @Test("a takeover waits for a transaction of the leader, and the leader's next finds that it is deposed")
    func transactionUnderWay() throws {
        try LedgerHome.with(.postgres) { home in
            let first = try home.open(as: "a", lease: .zero)
            try first.begin(LedgerStory.start)
            // A transaction of the leader's that has looked at its epoch, and ends a second and a half later.
            let holding = Thread {
                _ = try? home.sql(
                    "BEGIN; SELECT 1 FROM coordinator WHERE epoch = 1 FOR SHARE; SELECT pg_sleep(1.5); COMMIT")
            }
            holding.start()
            var locks = ""
            for _ in 0..<100 where locks != "1" {
                locks = try home.sql(
                    "SELECT count(*) FROM pg_stat_activity WHERE datname = current_database() AND query LIKE '%pg_sleep(1.5)%' AND wait_event = 'PgSleep'"
                )
                Thread.sleep(forTimeInterval: 0.005)
            }
            let second = try home.watch()
            let started = ContinuousClock.now
            #expect(try second.acquire(holder: "b", address: "tcp://b") == 2)
            #expect(ContinuousClock.now - started > .milliseconds(100))
            #expect(throws: LedgerError.self) { try first.append([Self.aborted]) }
            #expect(try second.load(Fixture.run).state == .planning)
        }
    }

    @Test("several that open an empty database at once make one ledger")
    func madeOnce() throws {
        try LedgerHome.with(.postgres) { (home: LedgerHome) throws in
            let failures = Failures()
            // A fifth one is at it, so that all four have seen that there is no ledger before the first of them makes it.
            let maker = Thread { _ = try? home.sql("SELECT pg_advisory_lock(7305808869229538), pg_sleep(0.4)") }
            maker.start()
            DispatchQueue.concurrentPerform(iterations: 4) { _ in
                Thread.sleep(forTimeInterval: 0.1)
                do { _ = try home.watch() } catch { failures.add("\(error)") }
            }
            #expect(failures.all == [])
            #expect(try home.sql("SELECT count(*) FROM migration") == "\(LedgerSchema.migrations.count)")
        }
    }

    @Test("the sessions' settings are those that a lost coordinator must not outlive")
    func settings() throws {
        try LedgerHome.with(.postgres) { home in
            let ledger = try home.open()
            let names = ["idle_in_transaction_session_timeout", "lock_timeout", "synchronous_commit", "search_path"]
            let database = try PostgresLedger(url: Secret(home.url, written: "test"))
            let shown = try names.map { try database.rows("SELECT current_setting('\($0)')")[0].text(0) }
            #expect(shown == ["5s", "3s", "on", "etlx_ledger, pg_temp"])
            _ = ledger
        }
    }

    @Test("an error says the SQLSTATE and where, and no word of the server's")
    func errors() throws {
        try LedgerHome.with(.postgres) { home in
            var parts = try #require(URLComponents(string: home.url))
            parts.password = "hunter2"
            let url = try #require(parts.string)
            let error = #expect(throws: LedgerError.self) { try Ledger(url: Secret(url, written: "test")) }
            #expect(error?.code == .cannotOpen && error?.sqlState == "28P01")
            #expect(error?.description.contains("hunter2") == false)
            #expect(error?.description.contains("SQLSTATE 28P01") == true)
        }
    }
}
