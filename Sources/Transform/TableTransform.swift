package import Columnar
package import Model

/// The rules of one table, compiled: chunk in, chunk out. Immutable; any number of threads may apply it.
package struct TableTransform: Sendable {
    /// The output columns in the document's order; dropped ones are left out.
    package let columns: [ColumnPlan]
    /// Source columns that the document drops.
    package let droppedColumns: [String]
    /// Indices of the inputs that rules look at, ascending. The others may hold anything of the right row count.
    package let requiredInputs: [Int]
    private let compiled: [CompiledColumn]
    private let inputCount: Int

    init(columns: [CompiledColumn], droppedColumns: [String], inputCount: Int) {
        compiled = columns
        self.columns = columns.map(\.plan)
        self.droppedColumns = droppedColumns
        self.inputCount = inputCount
        requiredInputs = Set(columns.flatMap { $0.besides + ($0.input.map { [$0] } ?? []) }).sorted()
    }

    /// Counts of zero for every step of every output column, in order.
    package var zeroCounts: [RuleCount] {
        compiled.flatMap { column in column.steps.map { RuleCount(column: column.plan.name, step: $0.index) } }
    }

    /// Applies every rule to a chunk.
    ///
    /// - Shape: the chunk's columns are the inputs in order; the result's are `columns`, without the rows that a step
    ///   dropped (one row is counted by the first step that drops it). `firstRow` stays.
    /// - Nulls: stay null but under `null_to`.
    /// - Parameter counts: added to; empty at the start means all zero.
    /// - Throws: `TransformError` for a value that a step cannot take. Nothing else of the chunk is then to be used.
    package func apply(_ chunk: Chunk, counts: inout [RuleCount]) throws(TransformError) -> Chunk {
        precondition(chunk.columns.count == inputCount, "a chunk holds the inputs that the rules were compiled for")
        if counts.isEmpty { counts = zeroCounts }
        precondition(counts.count == compiled.reduce(0) { $0 + $1.steps.count }, "counts are those of this table")
        var results: [Column] = []
        var leaving = LeavingRows(rowCount: chunk.rowCount)
        var countIndex = 0
        for column in compiled {
            var current = column.input.map { chunk.columns[$0] } ?? Column(nulls: chunk.rowCount, type: .boolean)
            for (index, step) in column.steps {
                let outcome: Outcome
                do throws(ValueFailure) {
                    outcome = try step.operation.apply(current, in: chunk)
                } catch {
                    throw TransformError(
                        error.code, column: column.plan.name, step: index, verb: step.plan.verb,
                        rowOrdinal: chunk.firstRow + Int64(error.row))
                }
                counts[countIndex].rowsIn += Int64(chunk.rowCount)
                counts[countIndex].changed += Int64(
                    outcome.changed ?? ChangeCount.rows(from: current, to: outcome.column))
                counts[countIndex].nulls += Int64(outcome.column.nullCount)
                counts[countIndex].nulled += Int64(outcome.nulled)
                counts[countIndex].dropped += Int64(leaving.add(outcome.dropped))
                countIndex += 1
                current = outcome.column
            }
            precondition(current.type == column.plan.type, "a rule gives the type that was planned")
            results.append(current)
        }
        guard let keep = leaving.keep else {
            return Chunk(columns: results, rowCount: chunk.rowCount, firstRow: chunk.firstRow)
        }
        return Chunk(
            columns: results.map { $0.selecting(keep) }, rowCount: chunk.rowCount - leaving.count,
            firstRow: chunk.firstRow)
    }
}

/// The rows of a chunk that leave.
private struct LeavingRows {
    private let rowCount: Int
    /// One flag a row; nil while all stay.
    private(set) var keep: [Bool]?
    private(set) var count = 0

    init(rowCount: Int) { self.rowCount = rowCount }

    /// Returns how many of `rows` were not leaving yet.
    mutating func add(_ rows: [Int]) -> Int {
        if rows.isEmpty { return 0 }
        var flags = keep ?? [Bool](repeating: true, count: rowCount)
        var added = 0
        for row in rows where flags[row] {
            flags[row] = false
            added += 1
        }
        keep = flags
        count += added
        return added
    }
}
