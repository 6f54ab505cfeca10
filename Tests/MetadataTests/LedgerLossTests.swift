import Foundation
import Model
import Synchronization
import TestKit
import Testing

@testable import Metadata

/// What went wrong on other threads.
final class Failures: Sendable {
    private let list = Mutex<[String]>([])
    func add(_ failure: String) { list.withLock { $0.append(failure) } }
    var all: [String] { list.withLock { $0 } }
}

@Suite(
    "A ledger whose connection is lost",
    .enabled(if: PostgresTestServer.shared != nil, Comment(rawValue: PostgresTestServer.reasonToSkip)))
struct LedgerLossTests {
    /// A leader whose way to the server is a proxy, with a run of 64 shards.
    private func withProxy(
        patience: Duration = .seconds(8), _ body: (LedgerHome, CutProxy, Ledger) throws -> Void
    ) throws {
        try LedgerHome.with(.postgres) { home in
            let proxy = try CutProxy(to: URL(string: home.url)?.port ?? 5432)
            let ledger = try home.open(patience: patience, through: proxy.url(home.url))
            try body(home, proxy, try LedgerStory.running(ledger, shardCount: 64))
            withExtendedLifetime(proxy) {}
        }
    }

    /// Everything is there once, and follows.
    private func expectOnce(_ home: LedgerHome, _ ledger: Ledger, grants: Int) throws {
        #expect(try home.sql("SELECT count(*), max(seq) FROM audit") == "\(2 + grants)|\(2 + grants)")
        #expect(try home.sql("SELECT count(*) FROM attempt") == "\(grants)")
        #expect(try ledger.firstBrokenAuditRow() == nil)
        #expect(try ledger.load(Fixture.run).shards.flatMap(\.leases).count == grants)
    }

    @Test(
        "at the commit, in either direction: the batch is there once",
        arguments: [CutProxy.Mode.loseCommit, .loseAnswer])
    func atCommit(_ mode: CutProxy.Mode) throws {
        try withProxy { home, proxy, ledger in
            proxy.set(mode)
            try ledger.append(LedgerStory.grants(0..<32))
            #expect(proxy.cuts == 1)
            try ledger.append(LedgerStory.grants(32..<64))
            try expectOnce(home, ledger, grants: 64)
            #expect(try ledger.renew())
        }
    }

    @Test(
        "at the commit, for longer than there was patience: the batch is there once, whoever appends next, and before that",
        arguments: [CutProxy.Mode.loseCommit, .loseAnswer])
    func repeatedLater(_ mode: CutProxy.Mode) throws {
        try withProxy(patience: .milliseconds(50)) { home, proxy, ledger in
            proxy.set(mode, afterwards: .closed)
            let lost = #expect(throws: LedgerError.self) { try ledger.append(LedgerStory.grants(0..<32)) }
            #expect(lost?.code == .unreachable && proxy.cuts == 1)
            proxy.set(.open)
            // Whoever lost it may have given up: another thread does not wait for it for ever.
            try ledger.append(LedgerStory.grants(32..<64))
            try ledger.append(LedgerStory.grants(0..<32))
            try expectOnce(home, ledger, grants: 64)
            // The third time it is an append of its own.
            let third = #expect(throws: LedgerError.self) { try ledger.append(LedgerStory.grants(0..<32)) }
            #expect(third?.code == .refused)
        }
    }

    @Test("between calls, by an administrator: nobody notices")
    func terminated() throws {
        try withProxy { home, _, ledger in
            for start in stride(from: 0, to: 64, by: 16) {
                try home.terminateConnections()
                try ledger.append(LedgerStory.grants(start..<start + 16))
            }
            try home.terminateConnections()
            try expectOnce(home, ledger, grants: 64)
        }
    }

    @Test("and another took over meanwhile: the batch is refused, or was written before the takeover")
    func takenOver() throws {
        try LedgerHome.with(.postgres) { home in
            let proxy = try CutProxy(to: URL(string: home.url)?.port ?? 5432)
            let first = try home.open(as: "a", lease: .zero, through: proxy.url(home.url))
            _ = try LedgerStory.running(first, shardCount: 64)
            proxy.set(.closed)
            proxy.cut()
            let second = try home.open(as: "b")
            try second.append(LedgerStory.grants(32..<64))
            proxy.set(.open)
            let late = #expect(throws: LedgerError.self) { try first.append(LedgerStory.grants(0..<32)) }
            #expect(late?.code == .deposed)
            try expectOnce(home, second, grants: 32)
        }
    }

    @Test("and whoever is away for longer than there is patience says so")
    func unreachable() throws {
        try withProxy(patience: .milliseconds(100)) { home, proxy, ledger in
            proxy.set(.closed)
            proxy.cut()
            for call in [{ _ = try ledger.openRuns() }, { _ = try ledger.renew() }] as [() throws -> Void] {
                let error = #expect(throws: LedgerError.self) { try call() }
                #expect(error?.code == .unreachable)
            }
            proxy.set(.open)
            #expect(try ledger.renew())
            try ledger.append(LedgerStory.grants(0..<1))
            try expectOnce(home, ledger, grants: 1)
        }
    }

    @Test("to a server that crashes and comes back: every append is there once")
    func crash() throws {
        let folder = NSTemporaryDirectory() + "etlx-ledger-server-\(UUID().uuidString)"
        guard let url = try PrivateServer.run("start", folder), !url.isEmpty else {
            try Test.cancel("no PostgreSQL server can be started here")
        }
        defer {
            _ = try? PrivateServer.run("stop", folder)
            try? FileManager.default.removeItem(atPath: folder)
        }
        let ledger = try Ledger(url: Secret(url, written: "test"), patience: .seconds(20))
        _ = try #require(try ledger.acquire(holder: "a", address: "tcp://a"))
        _ = try LedgerStory.running(ledger, shardCount: 400)
        let crash = Thread { try? PrivateServer.crash(folder) }
        for shard in 0..<400 {
            if shard == 50 { crash.start() }
            try ledger.append(LedgerStory.grants([shard]))
            if shard < 390, shard > 50, shard.isMultiple(of: 10), !crash.isFinished {
                Thread.sleep(forTimeInterval: 0.03)
            }
        }
        #expect(try ledger.records(Fixture.run).count == 402)
        #expect(try ledger.firstBrokenAuditRow() == nil)
        #expect(try ledger.load(Fixture.run).shards.flatMap(\.leases).count == 400)
        // It was another process that answered at the end.
        #expect(crash.isFinished)
    }
}

/// A PostgreSQL server of a test's own.
enum PrivateServer {
    /// What the script printed; nil when it failed.
    static func run(_ verb: String, _ folder: String) throws -> String? {
        let script = URL(fileURLWithPath: #filePath).deletingLastPathComponent()
            .appendingPathComponent("../../ops/private-postgres").standardizedFileURL.path
        return try shell("mkdir -p '\(folder)' && '\(script)' \(verb) '\(folder)/server' 2>/dev/null")
    }

    /// Without a checkpoint, as after a loss of power of the process, and started again.
    static func crash(_ folder: String) throws {
        _ = try shell(
            """
            cd / && programs=$(dirname "$(ls -d /usr/lib/postgresql/*/bin/initdb | sort --version-sort | tail -n 1)")
            as=; [ "$(id -u)" -ne 0 ] || as="runuser --user $(id -un postgres 2>/dev/null || echo nobody) --"
            $as "$programs/pg_ctl" restart --pgdata '\(folder)/server/data' --mode immediate --wait --silent \
                --log '\(folder)/server/server.log' >/dev/null 2>&1
            """)
    }

    private static func shell(_ command: String) throws -> String? {
        let process = Process()
        process.executableURL = URL(fileURLWithPath: "/bin/bash")
        // A server must not keep what Foundation waits at for the end of its child.
        let closing = #"for fd in /proc/self/fd/*; do fd=${fd##*/}; [ "$fd" -le 2 ] || eval "exec $fd>&-"; done"#
        process.arguments = ["-c", "( \(closing); \(command) )"]
        let file = NSTemporaryDirectory() + "etlx-\(UUID().uuidString)"
        try Data().write(to: URL(fileURLWithPath: file))
        defer { try? FileManager.default.removeItem(atPath: file) }
        process.standardOutput = try FileHandle(forWritingTo: URL(fileURLWithPath: file))
        try process.run()
        process.waitUntilExit()
        guard process.terminationStatus == 0 else { return nil }
        return try String(contentsOfFile: file, encoding: .utf8).trimmingCharacters(in: .whitespacesAndNewlines)
    }
}
