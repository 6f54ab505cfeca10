internal import Model

/// The times that a node keeps; tests shorten them.
package struct NodeTiming: Sendable, Equatable {
    package var heartbeatInterval = Limits.heartbeatInterval
    package var selfFenceTime = Limits.selfFenceTime
    /// How long a node that was never welcomed looks for a coordinator.
    package var joinPatience = Limits.joinPatience
    /// How long it waits for one that fell silent.
    package var coordinatorPatience = Limits.coordinatorPatience
    /// The same of a node that holds snapshots: with them the work of whole runs would be lost.
    package var holderPatience = Limits.holderPatience
    /// How long no run must be open before a node leaves that may.
    package var idleLeaveTime = Limits.idleLeaveTime
    /// How long a task that was cancelled may take to notice.
    package var leaveTime = Limits.leaveTime
    /// Between requests that nobody answers: from the first, doubled up to the second.
    package var firstPause = Limits.firstPause
    package var longestPause = Limits.longestPause

    package init() {}
}
