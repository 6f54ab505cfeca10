import Cluster
import Foundation
import Synchronization

/// The workers and the keeper of an embedded run: real processes of this same executable.
final class ChildProcesses: Sendable {
    struct Ended: Sendable {
        let processID: Int32
        /// Killed, or ended with another status than zero.
        let wasCrash: Bool
        let role: Join.Role
    }

    private let ended = Mutex<[Ended]>([])
    private let running = Mutex<[Process]>([])

    /// Starts `etlx worker …`. The join secret goes through the environment: arguments are visible to every user.
    ///
    /// - Parameter slots: tasks at a time; of a keeper also the files that it scans at a time.
    func start(role: Join.Role, slots: Int, address: String, secret: String, logsToStandardError: Bool) throws {
        let process = Process()
        process.executableURL = URL(fileURLWithPath: "/proc/self/exe").resolvingSymlinksInPath()
        process.arguments = [
            "worker", "--coordinator", address, "--role", role.rawValue, "--slots", "\(slots)", "--embedded",
        ]
        var environment = ProcessInfo.processInfo.environment
        environment[WorkerCommand.secretVariable] = secret
        process.environment = environment
        process.standardInput = FileHandle.nullDevice
        process.standardOutput = FileHandle.nullDevice
        if !logsToStandardError { process.standardError = FileHandle.nullDevice }
        process.terminationHandler = { [self] process in
            let wasCrash = process.terminationReason != .exit || process.terminationStatus != 0
            ended.withLock {
                $0.append(Ended(processID: process.processIdentifier, wasCrash: wasCrash, role: role))
            }
        }
        try process.run()
        running.withLock { $0.append(process) }
    }

    /// Processes that ended since the last call.
    func takeEnded() -> [Ended] {
        ended.withLock { list in
            defer { list = [] }
            return list
        }
    }

    var runningCount: Int { running.withLock { $0.count { $0.isRunning } } }

    /// Ends what still runs: first a request, after a grace period by force.
    func stopAll(grace: Duration) {
        let processes = running.withLock { $0 }
        for process in processes where process.isRunning { process.terminate() }
        let deadline = ContinuousClock.now + grace
        while ContinuousClock.now < deadline, processes.contains(where: \.isRunning) {
            Thread.sleep(forTimeInterval: 0.02)
        }
        for process in processes where process.isRunning { kill(process.processIdentifier, SIGKILL) }
        for process in processes { process.waitUntilExit() }
    }
}
