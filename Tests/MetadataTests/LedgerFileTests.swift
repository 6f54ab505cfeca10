import Foundation
import GRDB
import Model
import Testing

@testable import Metadata

@Suite("The ledger in a file")
struct LedgerFileTests {
    private let folder: TemporaryFolder
    private var path: String { "\(folder.path)/ledger.sqlite" }

    init() throws { folder = try TemporaryFolder() }

    @Test("what is appended is flushed to disk at every commit")
    func durable() throws {
        let durability = try Ledger(path: path).durability()
        #expect(durability.journal == "wal")
        #expect(durability.synchronous == 2)
    }

    @Test("two coordinators cannot hold one ledger")
    func lock() throws {
        let ledger = try Ledger(path: path)
        let error = #expect(throws: LedgerError.self) { try Ledger(path: path) }
        #expect(error?.code == .inUse)
        _ = ledger
    }

    @Test("a file that is no ledger is said to be none, without its contents")
    func foreignFile() throws {
        try Data("Anna Schmidt, 1970".utf8 + [UInt8](repeating: 7, count: 5000)).write(to: URL(fileURLWithPath: path))
        let error = #expect(throws: LedgerError.self) { try Ledger(path: path) }
        #expect(error?.code == .damaged)
        #expect(error?.description.contains("Schmidt") == false)
    }

    @Test("a file is led by one at a time, under a higher epoch each time")
    func leading() throws {
        let url = Secret("sqlite:\(path)", written: "test")
        let (first, second) = (try Ledger(url: url), try Ledger(url: url))
        let early = #expect(throws: LedgerError.self) { try first.begin(LedgerStory.start) }
        #expect(early?.code == .deposed)
        #expect(try first.acquire(holder: "a", address: "tcp://a") == 1)
        #expect(try second.acquire(holder: "b", address: "tcp://b") == nil)
        #expect(try second.leader()?.address == "tcp://a")
        try first.begin(LedgerStory.start)
        #expect(try second.openRuns() == [Fixture.run])
        try first.resign()
        #expect(try second.leader() == nil)
        #expect(try second.acquire(holder: "b", address: "tcp://b") == 2)
        #expect(try first.renew() == false)
        #expect(try second.renew())
        let late = #expect(throws: LedgerError.self) {
            try first.append([.aborted(LedgerStory.failure)], run: Fixture.run, at: Fixture.ended)
        }
        #expect(late?.code == .deposed)
    }
}
