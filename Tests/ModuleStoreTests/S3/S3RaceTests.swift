import Foundation
import Model
import S3
import Synchronization
import TestKit
import Testing

@testable import ModuleStore

/// Publishers that race through a network that loses requests and answers, and that die at any step, while readers verify
/// everything that they see through an undisturbed route.
@Suite("Racing publishers in a bucket")
struct S3RaceTests {
    /// What happened, as the publishers believe and the readers saw.
    private struct Tally: Sendable {
        var claims: [(version: Int, attempt: String)] = []
        var crashes = 0
        var unknown = 0
        var lost = 0
        var errors: [String] = []
        var readings = 0
        var torn: [String] = []
    }

    @Test(
        "no version is destroyed, doubled, falsely claimed or seen in part",
        .enabled(if: S3TestServer.shared != nil, "\(S3TestServer.reasonToSkip)"))
    func gateways() throws { try race(try #require(S3TestServer.shared)) }

    @Test(
        "neither is one before moto", .enabled(if: S3TestServer.moto != nil, "\(S3TestServer.reasonForNoMoto)"))
    func moto() throws { try race(try #require(S3TestServer.moto)) }

    private func race(_ server: S3TestServer) throws {
        let seed = UInt64.random(in: 0 ... .max)
        print("seed of the race: \(seed)")
        let bucket = try server.makeBucket()
        let tally = Mutex(Tally())
        let faults = [
            "--lose-requests", "0.08", "--lose-answers", "0.25", "--late", "0.02", "--only", "PUT", "--seed",
            "\(seed % 1000)",
        ]
        try server.withProxies(faults) { proxies in
            let isOver = Mutex(false)
            let (writers, readers) = (DispatchGroup(), DispatchGroup())
            for number in 0..<8 {
                start(writers) { try publish(server, 8, number, seed, bucket, proxies[number % proxies.count], tally) }
            }
            for number in 0..<2 {
                start(readers) {
                    let fixture = try S3Fixture(
                        server, bucket: bucket, endpoints: [server.endpoints[number % server.endpoints.count]])
                    while !isOver.withLock({ $0 }) { read(fixture, tally) }
                }
            }
            writers.wait()
            isOver.withLock { $0 = true }
            readers.wait()
        }
        try judge(server, bucket, tally.withLock { $0 })
    }

    private func start(_ group: DispatchGroup, _ body: @escaping @Sendable () throws -> Void) {
        group.enter()
        Thread.detachNewThread {
            defer { group.leave() }
            do { try body() } catch { Issue.record("\(error)") }
        }
    }

    private func publish(
        _ server: S3TestServer, _ rounds: Int, _ number: Int, _ seed: UInt64, _ bucket: String, _ proxy: String,
        _ tally: borrowing Mutex<Tally>
    ) throws {
        let fixture = try S3Fixture(server, bucket: bucket, endpoints: [proxy])
        var chance = SeededGenerator(seed: seed &+ UInt64(number) &* 7919)
        for _ in 0..<rounds {
            do {
                // A run that loses its race is run again.
                for _ in 0..<20 {
                    let (attempt, receipts) = try fixture.stage()
                    if try publish(attempt, receipts, fixture, &chance, tally) { break }
                }
            } catch {
                tally.withLock { $0.errors.append((error as? StoreError)?.code.rawValue ?? "\(error)") }
            }
        }
    }

    /// A publisher that dies is started again, up to three times, and carries on with its attempt; one that died for good
    /// leaves what it had.
    ///
    /// - Returns: whether there is no more to do; false after a lost race.
    private func publish(
        _ attempt: String, _ receipts: [PartReceipt], _ fixture: S3Fixture, _ chance: inout SeededGenerator,
        _ tally: borrowing Mutex<Tally>
    ) throws -> Bool {
        for _ in 0..<4 {
            let dice = Mutex(SeededGenerator(seed: chance.next()))
            do {
                let published = try fixture.publish(attempt, receipts, policy: .exclusive) { _ in
                    if dice.withLock({ Double.random(in: 0..<1, using: &$0) }) < 0.05 { throw Stopped() }
                }
                tally.withLock { $0.claims.append((published.record.version, attempt)) }
                return true
            } catch is Stopped {
                tally.withLock { $0.crashes += 1 }
            } catch let error as StoreError where error.code == .unknown {
                tally.withLock { $0.unknown += 1 }
            } catch let error as StoreError where error.code == .conflict {
                tally.withLock { $0.lost += 1 }
                return false
            }
        }
        return true
    }

    private func read(_ fixture: S3Fixture, _ tally: borrowing Mutex<Tally>) {
        do {
            guard let latest = try fixture.store.versions(module: "clinic").last else { return }
            let result = try fixture.store.verify(module: "clinic", version: latest)
            tally.withLock {
                $0.readings += 1
                $0.torn += result.findings.map(\.description)
            }
        } catch {
            tally.withLock { $0.torn.append("\(error)") }
        }
    }

    private func judge(_ server: S3TestServer, _ bucket: String, _ tally: Tally) throws {
        let store = try S3Fixture(server, bucket: bucket).store
        let versions = try store.versions(module: "clinic")
        let attempts = try versions.map { try store.record(module: "clinic", version: $0).attempt }
        print(
            "\(versions.count) versions, \(tally.claims.count) claims, \(tally.crashes) crashes, \(tally.unknown) unknown, \(tally.lost) lost races, "
                + "\(tally.readings) readings, \(tally.errors.count) failed publishes")
        #expect(versions == Array(1...max(1, versions.count)), "numbers have no gap")
        #expect(Set(attempts).count == attempts.count, "no attempt is published twice")
        #expect(try store.verify(module: "clinic").findings == [], "every version is whole")
        for claim in tally.claims {
            #expect(versions.contains(claim.version) && attempts[claim.version - 1] == claim.attempt, "a false claim")
        }
        #expect(Set(tally.claims.map(\.version)).count == tally.claims.count)
        #expect(tally.torn == [])
        #expect(tally.readings > 0)
        // Lost connections beyond the client's patience may fail a publish; they are the exception.
        #expect(tally.claims.count >= 32)
        #expect(tally.errors.allSatisfy { $0 == StoreError.Code.unreachable.rawValue }, "\(tally.errors)")
    }
}
