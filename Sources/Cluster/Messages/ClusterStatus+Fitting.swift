import Foundation
internal import Model

extension ClusterStatus {
    /// As much as a message holds: fewer nodes, then fewer runs; of one run alone without the problems of its failure.
    package var fittingAMessage: ClusterStatus {
        var fitting = self
        while fitting.byteCount > Limits.bytesPerMessage - 1024 {
            if !fitting.nodes.isEmpty {
                fitting.nodes.removeLast((fitting.nodes.count + 1) / 2)
            } else if fitting.runs.count > 1 {
                fitting.runs.removeLast(fitting.runs.count / 2)
            } else if fitting.runs.first?.failure?.problems.isEmpty == false {
                fitting.runs[0].failure?.problems = []
            } else {
                fitting.runs = []
                return fitting
            }
        }
        return fitting
    }

    private var byteCount: Int { (try? JSONEncoder().encode(self))?.count ?? 0 }
}
