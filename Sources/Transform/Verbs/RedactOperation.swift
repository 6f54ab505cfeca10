internal import CKernels
internal import Columnar
internal import Model

#if canImport(Glibc)
internal import Glibc
#elseif canImport(Musl)
internal import Musl
#endif

/// Finds identifiers in all texts of a column, then copies what is between them.
struct RedactOperation: ColumnOperation {
    let step: RedactStep
    /// For tokens; nil when compiled without keys.
    let key: FieldKey?

    func apply(_ column: Column, in chunk: Chunk) throws(ValueFailure) -> Outcome {
        let wanted = step.entities.reduce(UInt32(0)) { $0 | $1.kernelKind }
        let found = RedactSearch.findings(in: column, wanted)
        if found.isEmpty { return Outcome(column, changed: 0) }
        let replacements = replacements(of: found, in: column)
        var changed = 0
        var last: UInt32?
        for finding in found where finding.row != last {
            changed += 1
            last = finding.row
        }
        return Outcome(column.replacing(found, by: replacements), changed: changed)
    }

    private func replacements(of found: [kernel_row_entity], in column: Column) -> Replacements {
        switch step.form {
        case .label: .byKind(RedactStep.Entity.byKind.map { Array($0.label.utf8) })
        case .mask: .stars
        case .token: .each(tokens(of: found, in: column))
        }
    }

    /// The token of each finding's normal form.
    private func tokens(of found: [kernel_row_entity], in column: Column) -> Column {
        guard let key else { preconditionFailure("a transform that is applied was compiled with its keys") }
        var forms = VariableBuilder(rows: found.count, bytes: 24 * found.count)
        for finding in found {
            let text = unsafe UnsafeRawBufferPointer(
                rebasing: column.variableBytes(Int(finding.row))[Int(finding.start)..<Int(finding.end)])
            unsafe step.appendNormalForm(of: text, RedactStep.Entity.byKind[finding.index], to: &forms)
        }
        let normal = forms.finish(type: .text)
        return TokenText.base32(key.digests(of: normal), like: normal)
    }
}

/// What stands in the place of findings.
private enum Replacements {
    /// The same for each finding of a kind.
    case byKind([[UInt8]])
    /// As many stars as the finding has scalars.
    case stars
    /// A row for each finding.
    case each(Column)
}

extension kernel_row_entity {
    /// Of its kind, from zero: kinds are the bits of a sum.
    fileprivate var index: Int { kind.trailingZeroBitCount }
    fileprivate var byteCount: Int { Int(end - start) }
}

extension Column {
    /// A text column in which findings, ascending, are replaced. Cost: one copy of the bytes.
    fileprivate func replacing(_ found: [kernel_row_entity], by replacements: Replacements) -> Column {
        unsafe withVariable { offsets, bytes, byteCount in
            switch replacements {
            case .byKind(let texts):
                let room = found.reduce(byteCount) { $0 + texts[$1.index].count - $1.byteCount }
                return unsafe replacing(found, offsets, bytes, capacity: room) { index, _, target in
                    let text = texts[found[index].index]
                    for (place, byte) in text.enumerated() { unsafe target[place] = byte }
                    return text.count
                }
            case .stars:
                return unsafe replacing(found, offsets, bytes, capacity: byteCount) { _, text, target in
                    // Bytes that do not continue a scalar begin one.
                    let scalars = unsafe text.count { $0 & 0xc0 != 0x80 }
                    unsafe memset(target, 0x2a, scalars)
                    return scalars
                }
            case .each(let column):
                let room = column.byteCount + found.reduce(byteCount) { $0 - $1.byteCount }
                return unsafe replacing(found, offsets, bytes, capacity: room) { index, _, target in
                    let text = unsafe column.variableBytes(index)
                    unsafe memcpy(target, text.baseAddress!, text.count)
                    return text.count
                }
            }
        }
    }

    /// `write` puts the replacement of a finding, given by index and bytes, at the target and returns its length.
    @inline(__always)
    private func replacing(
        _ found: [kernel_row_entity], _ offsets: UnsafePointer<Int32>, _ bytes: UnsafePointer<UInt8>, capacity: Int,
        write: (Int, UnsafeBufferPointer<UInt8>, UnsafeMutablePointer<UInt8>) -> Int
    ) -> Column {
        unsafe makingText(capacity: capacity) { newOffsets, target in
            var position = unsafe Int(offsets[0])
            var written = 0
            var row = 0
            for index in found.indices {
                let finding = found[index]
                let text = unsafe UnsafeBufferPointer(
                    start: bytes + Int(offsets[Int(finding.row)]) + Int(finding.start), count: finding.byteCount)
                let start = unsafe text.baseAddress! - bytes
                // Rows that begin since the last finding have moved by what was gained and lost until there.
                let shift = Int32(written - position)
                while row <= Int(finding.row) {
                    unsafe newOffsets[row] = offsets[row] + shift
                    row += 1
                }
                unsafe memcpy(target + written, bytes + position, start - position)
                written += start - position
                unsafe written += write(index, text, target + written)
                position = start + finding.byteCount
            }
            let shift = Int32(written - position)
            while row <= rowCount {
                unsafe newOffsets[row] = offsets[row] + shift
                row += 1
            }
            let rest = unsafe Int(offsets[rowCount]) - position
            unsafe memcpy(target + written, bytes + position, rest)
            return written + rest
        }
    }
}
