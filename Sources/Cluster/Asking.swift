/// Who puts a node's questions to the coordinator: sockets, or a script of a test. One thread uses it.
package protocol Asking: AnyObject {
    /// - Throws: `unanswered` when no answer came within `patience`: the coordinator may or may not have acted.
    func ask(_ call: Call, patience: Duration) throws(ClusterError) -> Reply
    func close()
}

extension Asker: Asking {}
