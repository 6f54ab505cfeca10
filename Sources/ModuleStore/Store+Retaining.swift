import Model

/// A version that retention takes away, and why.
package struct RetentionCandidate: Sendable, Equatable {
    package let version: Int
    package let committedAt: String
    /// As the tombstone will state it.
    package let reason: String
}

extension Store {
    /// The versions that are kept no longer, oldest first.
    ///
    /// A version goes when its `expires_at` has passed, or when it is beyond everything that keeps it: not among the
    /// newest `keep`, and old. A rule that is nil keeps nothing; with both nil only expired versions go. The newest
    /// version that is not withdrawn always stays, expired or not: a module does not empty itself.
    ///
    /// - Parameters:
    ///   - keep: how many of the newest versions stay; withdrawn ones do not count.
    ///   - isOld: whether a version of this commit time is beyond the age.
    ///   - age: the age in the words of its reason, such as `P30D`.
    ///   - now: RFC 3339, UTC, whole seconds, as commit records state their times.
    package func retentionCandidates(
        module: String, keep: Int?, age: String?, isOld: (String) -> Bool, now: String
    ) throws(StoreError) -> [RetentionCandidate] {
        precondition((keep ?? 1) >= 1, "the newest version stays")
        var living: [CommitRecord] = []
        for version in try versions(module: module) where try !isWithdrawn(module: module, version: version) {
            living.append(try record(module: module, version: version))
        }
        var found: [RetentionCandidate] = []
        for (index, record) in living.dropLast().enumerated() {
            var reason: String?
            // Texts of this form sort as the times that they mean.
            if let end = record.expiresAt, end <= now { reason = "retention: expired \(end)" }
            if reason == nil, keep != nil || age != nil {
                let isBeyondCount = keep.map { index < living.count - $0 } ?? true
                let isBeyondAge = age == nil || isOld(record.committedAt)
                if isBeyondCount, isBeyondAge { reason = Self.reason(keep: keep, age: age) }
            }
            if let reason {
                found.append(
                    RetentionCandidate(version: record.version, committedAt: record.committedAt, reason: reason))
            }
        }
        return found
    }

    private static func reason(keep: Int?, age: String?) -> String {
        let count = keep.map { "beyond the newest \($0)" }
        let time = age.map { "older than \($0)" }
        return "retention: " + [count, time].compactMap(\.self).joined(separator: ", ")
    }
}
