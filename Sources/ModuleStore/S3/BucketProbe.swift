internal import Foundation
import Model
import S3

/// Asks a bucket whether it can do what the commit rests upon, by doing it: names that are created only if they are free,
/// by one of several racers, through every endpoint, and versioning that is off (a deleted object would stay otherwise).
struct BucketProbe {
    let storage: S3Storage

    private static let racers = 32
    private static let folder = ".etl-probe"
    /// In milliseconds.
    private static let longestProbe: Int64 = 3_600_000

    /// - Throws: `.noExclusiveCreate` with what was seen. What was made is removed either way, as far as the bucket lets it.
    func check(races: Bool) throws(StoreError) {
        let name = "\(Self.folder)/\(UUID().uuidString.lowercased())"
        defer {
            try? storage.removeTree(name)
            removeAbandoned()
        }
        try checkVersioning()
        // A database decides: the bucket has to keep and give back, no more.
        if storage.claims != nil { return try checkKeeping("\(name)/kept") }
        try checkSecond("\(name)/second")
        guard races else { return }
        for round in 0..<2 { try checkRace("\(name)/race-\(round)") }
    }

    /// What probes left behind that were killed, and so are of no use to anybody.
    private func removeAbandoned() {
        guard let found = try? storage.client.list("\(Self.folder)/").objects, !found.isEmpty,
            let now = storage.client.serverDate
        else { return }
        let abandoned = found.filter { now - $0.lastModified > Self.longestProbe }
        _ = try? storage.client.delete(abandoned.map(\.key))
    }

    private func checkVersioning() throws(StoreError) {
        let versioning = try storage.asking("") { () throws(S3Error) in try storage.client.versioning() }
        guard versioning == .off else {
            throw refusal(
                "versioning of the bucket is \(versioning): what is withdrawn would stay, and some servers then let every racer win",
                "use a bucket that never had versioning on")
        }
    }

    private func checkKeeping(_ key: String) throws(StoreError) {
        let kept = try storage.asking(key) { () throws(S3Error) in
            try storage.client.put(key, Array("kept".utf8))
            return try storage.client.get(key, limit: 64)
        }
        guard kept == Array("kept".utf8) else {
            throw StoreError(.damaged, storage.location, "the bucket gives back other bytes than it was given")
        }
    }

    /// One, then another of the same name: the second must be refused and the first must stay.
    private func checkSecond(_ key: String) throws(StoreError) {
        try expect(try put(key, "first", storage.client), .created, "the first create of a name")
        for route in storage.routes {
            try expect(try put(key, "second", route), .exists, "the second create of a name")
        }
        let kept = try storage.asking(key) { () throws(S3Error) in try storage.client.get(key, limit: 64) }
        guard kept == Array("first".utf8) else {
            throw refusal("the second create of a name replaced the first", Self.advice)
        }
    }

    private func checkRace(_ key: String) throws(StoreError) {
        let racers = Array(0..<Self.racers)
        let answers = try concurrently(racers, atATime: racers.count) { (racer) throws(StoreError) in
            try put(key, "racer \(racer)", storage.routes[racer % storage.routes.count])
        }
        let winners = answers.filter { $0 == .created }.count
        // A winner whose answer was lost leaves no winner: then at least one says so.
        let unknown = answers.contains { if case .unknown = $0 { true } else { false } }
        guard winners == 1 || winners == 0 && unknown else {
            throw refusal("\(winners) of \(Self.racers) racers created the same name", Self.advice)
        }
    }

    /// Asked again while the answer is unknown; an "exists" that follows may be our own.
    private func put(_ key: String, _ text: String, _ client: S3Client) throws(StoreError) -> S3Creation {
        try storage.asking(key) { () throws(S3Error) in
            var answer = S3Creation.unknown(reason: "")
            for wait in [0.0, 0.2, 0.5, 1, 2] {
                Thread.sleep(forTimeInterval: wait)
                let wasUnknown = wait > 0
                answer = try client.putIfAbsent(key, Array(text.utf8))
                switch answer {
                case .unknown: continue
                case .exists where wasUnknown:
                    return try client.get(key, limit: 64) == Array(text.utf8) ? .created : .exists
                case .created, .exists, .refused, .tooLate: return answer
                }
            }
            return answer
        }
    }

    private func expect(_ found: S3Creation, _ wanted: S3Creation, _ what: String) throws(StoreError) {
        guard found != wanted else { return }
        switch found {
        case .refused(let status, let code) where status == 403 || status == 401 || status == 404:
            throw StoreError(
                status == 404 ? .notFound : .notAllowed, storage.location,
                "the bucket refuses to be written to (HTTP \(status)\(code.map { ", \($0)" } ?? "")); check its policy and that of the credentials"
            )
        case .refused(let status, let code):
            throw refusal("\(what) is answered with HTTP \(status)\(code.map { " \($0)" } ?? "")", Self.advice)
        case .unknown(let reason):
            throw StoreError(.unreachable, storage.location, "the bucket does not say what came of \(what) (\(reason))")
        case .created: throw refusal("\(what) succeeds, so a version could be overwritten", Self.advice)
        case .exists: throw refusal("\(what) is answered with \"exists\"", Self.advice)
        case .tooLate: preconditionFailure("the probe has no deadline")
        }
    }

    private func refusal(_ seen: String, _ advice: String) -> StoreError {
        StoreError(.noExclusiveCreate, storage.location, "\(seen); \(advice)")
    }

    private static let advice =
        "use a server whose PUT with If-None-Match is atomic, or let a database decide (`claims` of the target)"
}
