extension Limits {
    /// An attempt older than this is not committed any more. Far below `orphanTime`, so that a slow writer and the
    /// sweeper never meet.
    package static let attemptDeadline = Duration.seconds(3 * 86_400)
    /// The longest time between a publisher's last look at the clock and the effect of its commit: a request on its way,
    /// a machine that slept. What is older than both together cannot become a version any more.
    package static let commitGrace = Duration.seconds(86_400)
    package static let collectableAge = attemptDeadline + commitGrace
    /// Files that no version refers to are left alone this long, unless the operator says otherwise.
    package static let orphanTime = Duration.seconds(7 * 86_400)
    /// A part is written to disk in pieces of this size.
    package static let bytesPerWrite = 512 << 10
    /// Files are read from a store in pieces of this size when all of them is looked at.
    package static let bytesPerRead = 4 << 20
    /// So many parts at once before they become a version's: digests need a processor each.
    package static let partsReadAtATime = 4
    package static let bytesPerRecord = 4 << 20
    package static let bytesPerDescription = 256 << 20
    /// How often a publisher that lost a race takes the next number.
    package static let rebasesPerPublication = 100
    /// How long tables that are still read are waited for when they are to be dropped.
    package static let dropPatience = Duration.seconds(60)
}

extension Limits {
    /// How long a commit record whose answer was lost is sent again before the outcome is left to the next run.
    package static let commitPatience = Duration.seconds(900)
    /// How long a database keeps the transaction of a commit whose publisher is silent: others wait for its end.
    package static let commitSilence = Duration.seconds(30)
    /// Questions to an object store that are under way at once.
    package static let requestsAtATime = 16
}
