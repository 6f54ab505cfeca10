import Foundation
import Model
import Testing

@testable import Metadata

/// `ETL_TEST_LEDGER_SHARDS` makes it larger (100000 is what the ledger is made for) and prints how long each step took.
@Suite("A ledger of many shards")
struct LedgerSizeTests {
    private static let asked = ProcessInfo.processInfo.environment["ETL_TEST_LEDGER_SHARDS"].flatMap { Int($0) }
    private static let shardCount = asked ?? 2000

    @Test("is planned, granted in batches, and loaded", arguments: LedgerHome.Kind.allCases)
    func many(_ kind: LedgerHome.Kind) throws {
        try LedgerHome.with(kind) { home in
            var said = "\(kind), \(Self.shardCount) shards:"
            func measured<Value>(_ name: String, _ body: () throws -> Value) rethrows -> Value {
                let started = ContinuousClock.now
                let value = try body()
                said += " \(name) \((ContinuousClock.now - started).formatted(.units(allowed: [.milliseconds])));"
                return value
            }
            let ledger = try home.open()
            _ = try measured("plan") { try LedgerStory.running(ledger, shardCount: Self.shardCount) }
            let receipts = (0..<Self.shardCount).map { Fixture.receipt("labs", $0) }
            let count = Self.shardCount / 64 * 64
            try measured("granted, then accepted with the next grants, 64 at a time") {
                for start in stride(from: 0, to: count + 64, by: 64) {
                    var entries: [LedgerEntry] = []
                    if start < count { entries += LedgerStory.grants(start..<start + 64) }
                    if start > 0 { entries += receipts[start - 64..<start].map { LedgerStory.entry(.accepted($0)) } }
                    try ledger.append(entries)
                }
            }
            try measured("the same shard granted and accepted in one batch") {
                for shard in count..<Self.shardCount {
                    try ledger.append(LedgerStory.grants([shard]) + [LedgerStory.entry(.accepted(receipts[shard]))])
                }
            }
            let run = try measured("load") { try ledger.load(Fixture.run) }
            #expect(run.shards.map(\.receipt) == receipts)
            let sound = try measured("audit") { try ledger.firstBrokenAuditRow() }
            #expect(sound == nil)
            try ledger.append([LedgerStory.entry(.sealed)])
            #expect(try ledger.load(Fixture.run).state == .sealed)
            if Self.asked != nil { print(said) }
        }
    }
}
