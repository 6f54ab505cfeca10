internal import Model

/// The answers that go out thousands of times a second, as the text that `JSONEncoder` would make of them.
extension Reply {
    /// nil: another answer, or a text in it is to be escaped; `JSONEncoder` writes it then.
    var plainText: String? {
        switch self {
        case .accepted: "{\"accepted\":{}}"
        case .fenced: "{\"fenced\":{}}"
        case .noWork(let pause, let isIdle):
            "{\"noWork\":{\"isIdle\":\(isIdle),\"retryAfterMilliseconds\":\(pause)}}"
        case .alive(let revoked, let letGo, let isDraining) where letGo.isEmpty:
            "{\"alive\":{\"isDraining\":\(isDraining),\"letGo\":[],\"revoked\":[\(revoked.map { "\($0)" }.joined(separator: ","))]}}"
        case .grant(let grant): grant.plainText.map { "{\"grant\":{\"_0\":\($0)}}" }
        case .slice(let bytes, let total) where bytes.needsNoEscape:
            "{\"slice\":{\"bytes\":\"\(bytes)\",\"total\":\(total)}}"
        default: nil
        }
    }
}

extension Grant {
    fileprivate var plainText: String? {
        guard case .shard(let table, let index) = task, table.needsNoEscape, run.needsNoEscape, attempt.needsNoEscape,
            documentPath.needsNoEscape, snapshots.allSatisfy({ $0.source.needsNoEscape && $0.snapshot.needsNoEscape })
        else { return nil }
        var piece = ""
        if let shard {
            guard let text = shard.plainText else { return nil }
            piece = "\"shard\":\(text),"
        }
        var text =
            "{\"attempt\":\"\(attempt)\",\"documentPath\":\"\(documentPath)\",\"epoch\":\(epoch),\"run\":\"\(run)\","
        text += "\(piece)\"snapshots\":["
        for (place, hold) in snapshots.enumerated() {
            text += "\(place == 0 ? "" : ","){\"snapshot\":\"\(hold.snapshot)\",\"source\":\"\(hold.source)\"}"
        }
        text += "],\"task\":{\"shard\":{\"index\":\(index),\"table\":\"\(table)\"}},\"token\":\(token)}"
        return text
    }
}

extension String {
    fileprivate var needsNoEscape: Bool {
        utf8.allSatisfy { $0 >= 0x20 && $0 != 0x22 && $0 != 0x5c && $0 != 0x7f }
    }
}
