internal import Columnar
internal import Model

extension Verb {
    static let ranges = Verb(
        "ranges", .generalise, .generalise, .lossy, accepts: RangesStep.accepts, elementwise: true, result: "text",
        form: .short("edges"), parameters: [.init("edges", required: true, "ascending edges")]
    ) { RangesStep.read(&$0, "edges") }
}

/// A value becomes the range that it lies in, written as PostgreSQL writes ranges: `[18,65)` holds 18 and not 65;
/// `(,18)` is all below the first edge, `[65,)` all from the last on.
///
/// - Nulls: stay null. NaN becomes `NaN`.
/// - Cost: a binary search a value.
struct RangesStep: StepDefinition {
    static let accepts: [TypeKind] = [.integer, .float, .decimal, .date]

    struct Edge: Sendable {
        let text: String
        let position: Position
    }
    let edges: [Edge]

    static func read(_ arguments: inout Arguments, _ name: String) -> RangesStep? {
        guard let items = arguments.node(name)?.list, !items.isEmpty else {
            arguments.refuse(name, expected: "a list of ascending edges")
            return nil
        }
        let edges = items.compactMap { item in item.text.map { Edge(text: $0, position: item.position) } }
        guard edges.count == items.count else {
            arguments.refuse(name, expected: "a list of ascending edges")
            return nil
        }
        return RangesStep(edges: edges)
    }

    func compile(_ context: inout StepContext) -> CompiledStep? {
        let words = [("edges", edges.map(\.text).joined(separator: " "))]
        let labels =
            ["(,\(edges[0].text))"] + zip(edges, edges.dropFirst()).map { "[\($0.text),\($1.text))" }
            + ["[\(edges[edges.count - 1].text),)"]
        var bounds: [Bound] = []
        for edge in edges {
            guard let bound = Bound(edge.text, type: context.type) else {
                context.problems.error(
                    edge.position, found: "ranges: the edge \(edge.text)", expected: "a value of type \(context.type)")
                return nil
            }
            if let last = bounds.last, !(last < bound) {
                context.problems.error(
                    edge.position, found: "ranges: the edge \(edge.text) after one that is not below it",
                    expected: "ascending edges")
                return nil
            }
            bounds.append(bound)
        }
        return CompiledStep(
            type: .text, plan: context.plan(words, method: "ranges"),
            RangesOperation(bounds: bounds, labels: labels.map { Array($0.utf8) }))
    }
}

private struct RangesOperation: ColumnOperation {
    let bounds: [Bound]
    /// One more than there are bounds.
    let labels: [[UInt8]]

    func apply(_ column: Column, in chunk: Chunk) throws(ValueFailure) -> Outcome {
        let wholeBounds = bounds.map(\.whole)
        let floatBounds = bounds.map(\.float)
        return Outcome(
            NumericColumn.labels(
                column,
                whole: { value in labels[RangesOperation.place(of: value, in: wholeBounds)] },
                float: { value in
                    value.isNaN ? Array("NaN".utf8) : labels[RangesOperation.place(of: value, in: floatBounds)]
                }))
    }

    /// How many bounds are not above the value.
    private static func place<Value: Comparable>(of value: Value, in bounds: [Value]) -> Int {
        var low = 0
        var high = bounds.count
        while low < high {
            let middle = (low + high) / 2
            if bounds[middle] <= value { low = middle + 1 } else { high = middle }
        }
        return low
    }
}
