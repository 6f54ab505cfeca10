internal import Columnar
internal import Model

/// Runs a step over the elements of a list column. Null lists stay null, lists keep their lengths.
struct Elementwise: ColumnOperation {
    let inner: any ColumnOperation

    static func lift(_ step: CompiledStep) -> CompiledStep {
        CompiledStep(type: .list(step.type), plan: step.plan, Elementwise(inner: step.operation))
    }

    /// A failing element speaks for its row. Changed counts rows in which an element changed.
    func apply(_ column: Column, in chunk: Chunk) throws(ValueFailure) -> Outcome {
        guard case .list(let offsets, let elements) = column.storage else {
            preconditionFailure("an element-wise step runs over a list column")
        }
        let result: Outcome
        do throws(ValueFailure) {
            result = try inner.apply(elements, in: chunk)
        } catch {
            throw ValueFailure(code: error.code, row: row(of: error.row, offsets))
        }
        let list = Column(
            type: .list(result.column.type), rowCount: column.rowCount, validity: column.validity,
            storage: .list(offsets: offsets, elements: result.column))
        var rows: [Int] = []
        for element in result.dropped {
            let row = row(of: element, offsets)
            if rows.last != row { rows.append(row) }
        }
        return Outcome(list, changed: changed(result, column, list), nulled: result.nulled, dropped: rows)
    }

    /// nil: to be counted by comparing.
    private func changed(_ result: Outcome, _ old: Column, _ new: Column) -> Int? {
        guard let changed = result.changed else { return nil }
        return changed == 0 ? 0 : nil
    }

    /// The row that an element lies in: the last whose start is not after it.
    private func row(of element: Int, _ offsets: Buffer) -> Int {
        let bounds = unsafe offsets.elements(Int32.self)
        var low = 0
        var high = bounds.count - 1
        while low < high {
            let middle = (low + high + 1) / 2
            if unsafe Int(bounds[middle]) <= element { low = middle } else { high = middle - 1 }
        }
        return low
    }
}
