internal import Synchronization

/// One frame that came, and the right to answer it once. Answered in any order, from any thread.
package final class Inbound: Sendable {
    package let frame: [UInt8]
    /// nng's number of the connection.
    package let pipe: UInt32
    private let context: ReplyContext
    private let isAnswered = Mutex(false)

    init(frame: [UInt8], pipe: UInt32, context: ReplyContext) {
        self.frame = frame
        self.pipe = pipe
        self.context = context
    }

    /// What is asked; nil when there is nothing left to do: an unknown version was answered by `refused`, and what else
    /// cannot be read is let go.
    package func call() -> (id: WireFormat.RequestID, call: Call)? {
        do throws(WireFormat.Failure) { return try WireFormat.call(from: frame) } catch {
            if case .unknownVersion(let version) = error, let id = WireFormat.requestID(of: frame) {
                answer(
                    .refused(reason: "version \(version) of the protocol is not spoken here, \(WireFormat.version) is"),
                    id: id)
            }
            return nil
        }
    }

    /// An asker that went away is no error: it will ask again. A second answer is dropped.
    package func answer(_ reply: Reply, id: WireFormat.RequestID) {
        guard let frame = try? WireFormat.frame(reply, id: id) else { return }
        send(frame)
    }

    private func send(_ frame: [UInt8]) {
        let isFirst = isAnswered.withLock { isAnswered in
            defer { isAnswered = true }
            return !isAnswered
        }
        if isFirst { context.answer(frame) }
    }

    /// What nobody answered gets an empty frame, which frees the context and tells the asker to ask again.
    deinit { send([]) }
}
