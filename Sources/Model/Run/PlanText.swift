/// A plan's JSON, for plans of very many shards: these are written and read here, the rest by a general coder, which takes
/// seconds and ten times the memory for a hundred thousand of them.
///
/// The text is the general coder's: sorted names, no white space, slashes as they are. What is not of that form is the
/// general coder's alone.
package enum PlanText {
    private static let name = Array("\"shards\":[".utf8)

    /// - Parameter general: JSON of a plan with sorted names, without white space and escaped slashes.
    package static func bytes(of plan: RunPlan, general: (RunPlan) -> [UInt8]) -> [UInt8] {
        fast(plan, general) ?? general(plan)
    }

    /// nil too for a text that nests deeper, or is longer without its shards, than an honest plan: whoever reads it is to
    /// stay alive.
    ///
    /// - Parameter general: reads any JSON of a plan, or gives nil.
    package static func plan(
        of bytes: [UInt8], general: ([UInt8]) -> RunPlan?, writing write: (RunPlan) -> [UInt8]
    ) -> RunPlan? {
        guard JSONNesting.isAtMost(Limits.planNesting, in: bytes) else { return nil }
        func bounded(_ text: [UInt8]) -> RunPlan? {
            text.count <= Limits.bytesPerPlanOutline ? general(text) : nil
        }
        // Equal when it is written again: then nothing of the text was taken for something else.
        if let plan = fast(bytes, bounded), fast(plan, write) == bytes { return plan }
        return bounded(bytes)
    }

    private static func fast(_ plan: RunPlan, _ general: (RunPlan) -> [UInt8]) -> [UInt8]? {
        let text = general(plan.outline)
        let places = places(in: text)
        guard places.count == plan.tables.count, plan.tables.allSatisfy({ $0.shards.allSatisfy(\.isPlain) }) else {
            return nil
        }
        var bytes: [UInt8] = []
        bytes.reserveCapacity(text.count + plan.tables.reduce(0) { $0 + $1.shards.count } * 288)
        var start = 0
        for (table, place) in zip(plan.tables, places) {
            guard text[place] == UInt8(ascii: "]") else { return nil }
            bytes += text[start..<place]
            for (index, shard) in table.shards.enumerated() {
                if index > 0 { bytes.append(UInt8(ascii: ",")) }
                shard.write(to: &bytes)
            }
            start = place
        }
        bytes += text[start...]
        return bytes
    }

    private static func fast(_ bytes: [UInt8], _ general: ([UInt8]) -> RunPlan?) -> RunPlan? {
        var outline: [UInt8] = []
        var lists: [[Shard]] = []
        var start = 0
        while let place = next(in: bytes, from: start) {
            outline += bytes[start..<place]
            // The list again, from its bracket on.
            var scanner = JSONScanner(bytes, in: place - 1..<bytes.count)
            var shards: [Shard] = []
            let isRead = scanner.list { scanner in
                guard let shard = Shard(scanning: &scanner) else { return false }
                shards.append(shard)
                return true
            }
            guard isRead else { return nil }
            lists.append(shards)
            start = scanner.position - 1
        }
        outline += bytes[start...]
        guard var plan = general(outline), plan.tables.count == lists.count else { return nil }
        for index in lists.indices {
            guard plan.tables[index].shards.isEmpty else { return nil }
            plan.tables[index].shards = lists[index]
        }
        return plan
    }

    private static func places(in text: [UInt8]) -> [Int] {
        var places: [Int] = []
        while let place = next(in: text, from: places.last ?? 0) { places.append(place) }
        return places
    }

    /// Behind the next bracket that begins a table's shards.
    private static func next(in text: [UInt8], from start: Int) -> Int? {
        var position = start
        while let bracket = text[position...].firstIndex(of: UInt8(ascii: "[")) {
            position = bracket + 1
            if position >= name.count, text[position - name.count..<position].elementsEqual(name) { return position }
        }
        return nil
    }
}

extension RunPlan {
    /// The plan without its shards: what is the same for all of them.
    package var outline: RunPlan {
        var outline = self
        for index in outline.tables.indices { outline.tables[index].shards = [] }
        return outline
    }
}

extension Shard {
    /// Its JSON with sorted names; nil where a text of it needs an escape.
    package var plainText: String? {
        guard isPlain else { return nil }
        var bytes: [UInt8] = []
        write(to: &bytes)
        return String(decoding: bytes, as: UTF8.self)
    }

    /// Its texts need no escape.
    fileprivate var isPlain: Bool {
        switch piece {
        case .blocks(let schema, let relation, _, _): Self.isPlain(schema) && Self.isPlain(relation)
        case .query: true
        case .bytes(let path, _, _, _, let sha256): Self.isPlain(path) && Self.isPlain(sha256 ?? "")
        }
    }

    private static func isPlain(_ text: String) -> Bool {
        text.utf8.allSatisfy { $0 >= 0x20 && $0 != 0x22 && $0 != 0x5c && $0 != 0x7f }
    }

    fileprivate func write(to bytes: inout [UInt8]) {
        bytes +=
            "{\"estimatedBytes\":\(estimatedBytes),\"estimatedRows\":\(estimatedRows),\"index\":\(index),\"piece\":"
            .utf8
        switch piece {
        case .blocks(let schema, let relation, let first, let limit):
            bytes += "{\"blocks\":{\"first\":\(first),".utf8
            if let limit { bytes += "\"limit\":\(limit),".utf8 }
            bytes += "\"relation\":\"\(relation)\",\"schema\":\"\(schema)\"}}}".utf8
        case .query: bytes += "{\"query\":{}}}".utf8
        case .bytes(let path, let start, let end, let firstRecord, let sha256):
            bytes += "{\"bytes\":{\"end\":\(end),\"firstRecord\":\(firstRecord),\"path\":\"\(path)\",".utf8
            if let sha256 { bytes += "\"sha256\":\"\(sha256)\",".utf8 }
            bytes += "\"start\":\(start)}}}".utf8
        }
    }

    fileprivate init?(scanning scanner: inout JSONScanner) {
        var (index, rows, bytes): (Int64?, Int64?, Int64?)
        var piece: Piece?
        let isRead = scanner.object { scanner, name in
            switch name {
            case "index": return scanner.number(into: &index)
            case "estimatedRows": return scanner.number(into: &rows)
            case "estimatedBytes": return scanner.number(into: &bytes)
            case "piece" where piece == nil:
                piece = Piece(scanning: &scanner)
                return piece != nil
            default: return false
            }
        }
        guard isRead, let index, let rows, let bytes, let piece else { return nil }
        self.init(index: Int(index), piece: piece, estimatedRows: rows, estimatedBytes: bytes)
    }
}

extension Shard.Piece {
    fileprivate init?(scanning scanner: inout JSONScanner) {
        var (first, limit, start, end, firstRecord): (Int64?, Int64?, Int64?, Int64?, Int64?)
        var (schema, relation, path, sha256): (String?, String?, String?, String?)
        var kind = ""
        let isRead = scanner.single { scanner, name in
            kind = name
            return scanner.object { scanner, name in
                switch (kind, name) {
                case ("blocks", "first"): scanner.number(into: &first)
                case ("blocks", "limit"): scanner.number(into: &limit)
                case ("blocks", "schema"): scanner.text(into: &schema)
                case ("blocks", "relation"): scanner.text(into: &relation)
                case ("bytes", "path"): scanner.text(into: &path)
                case ("bytes", "sha256"): scanner.text(into: &sha256)
                case ("bytes", "start"): scanner.number(into: &start)
                case ("bytes", "end"): scanner.number(into: &end)
                case ("bytes", "firstRecord"): scanner.number(into: &firstRecord)
                default: false
                }
            }
        }
        guard isRead else { return nil }
        switch kind {
        case "query": self = .query
        case "blocks":
            guard let schema, let relation, let first = first.flatMap({ UInt32(exactly: $0) }) else { return nil }
            let last = limit.flatMap { UInt32(exactly: $0) }
            guard (last == nil) == (limit == nil) else { return nil }
            self = .blocks(schema: schema, relation: relation, first: first, limit: last)
        case "bytes":
            guard let path, let start, let end, let firstRecord else { return nil }
            self = .bytes(path: path, start: start, end: end, firstRecord: firstRecord, sha256: sha256)
        default: return nil
        }
    }
}
