extension Limits {
    /// An attempt older than this is not committed any more. Far below `orphanTime`, so that a slow writer and the
    /// sweeper never meet.
    package static let attemptDeadline = Duration.seconds(3 * 86_400)
    /// Files that no version refers to are left alone this long.
    package static let orphanTime = Duration.seconds(7 * 86_400)
    /// A part is written to disk in pieces of this size.
    package static let bytesPerWrite = 512 << 10
    /// How often a publisher that lost a race takes the next number.
    package static let rebasesPerPublication = 100
}
