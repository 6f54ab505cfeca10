internal import Columnar
internal import Model
internal import ModuleStore
internal import Transform

/// One shard from source to staged part: read, transform, encode, write; synchronous, one chunk at a time.
struct TaskRunner {
    let table: TablePlan
    let shard: Shard
    let binding: TableBinding
    let codec: TargetSpec.Codec

    /// - `advance`: called once a chunk with rows and source bytes so far; throws when the task is no longer ours.
    /// - Returns: a receipt without its place; the part is on disk when this returns, or is gone when this throws.
    func run(
        _ source: any ChunkSource, into part: any StagedPart, epoch: Int, advance: (Int64, Int64) throws -> Void
    ) throws -> PartReceipt {
        var rules = binding.transform.zeroCounts
        var published: Int64 = 0
        do {
            let writer = try PartWriters.writer(into: part, columns: binding.columns.map(\.output), codec: codec)
            while let chunk = try source.next() {
                let result = try binding.transform.apply(binding.widened(chunk), counts: &rules)
                published += Int64(result.rowCount)
                try writer.append(result)
                try advance(source.rowsRead, source.bytesRead)
            }
            guard try writer.finish() == published else {
                preconditionFailure("the writer holds as many rows as it was given")
            }
        } catch {
            part.abandon()
            throw error
        }
        let finished = try part.finish()
        countSpecials(source.nulledSpecials, in: &rules)
        let droppedByRules = rules.reduce(0) { $0 + $1.dropped }
        return PartReceipt(
            table: table.name, shard: shard.index, epoch: epoch, stagedPath: finished.stagedPath,
            byteCount: finished.byteCount, sha256: finished.sha256,
            rows: RowAccount(
                read: source.rowsRead, published: published, dropped: source.dropped + droppedByRules),
            rules: rules, handle: finished.handle)
    }

    /// Values nulled while reading are counted at the step that asked for it.
    private func countSpecials(_ specials: [Int64], in rules: inout [RuleCount]) {
        for (index, input) in binding.required.enumerated() where specials[index] > 0 {
            let name = binding.inputs[input].column.name
            for column in binding.columns where column.sourceColumn == name {
                guard let step = column.steps.firstIndex(where: { $0.verb == "on_special" }),
                    let rule = rules.firstIndex(where: { $0.column == column.name && $0.step == step })
                else { continue }
                rules[rule].nulled += specials[index]
            }
        }
    }
}
