import Columnar
import Foundation
import Model
import Testing

@testable import Formats

@Suite("delimited files: random input")
struct DelimitedFuzzTests {
    /// A new seed each run; a failure prints it.
    private let seed = UInt64(ProcessInfo.processInfo.environment["ETL_SEED"] ?? "") ?? UInt64.random(in: 0..<1 << 32)

    private static func randomSpec(_ random: inout SeededBits) -> DelimitedSpec {
        Delimited.spec {
            $0.hasHeader = false
            $0.onMalformed = .drop
            $0.nullTexts = [[], [""], ["", "ab"], ["ab"]].randomElement(using: &random)!
            if Bool.random(using: &random) { $0.escape = UInt8(ascii: "\\") }
            if Bool.random(using: &random) { $0.comment = UInt8(ascii: "#") }
            if Int.random(in: 0..<8, using: &random) == 0 {
                $0.quote = nil
                $0.escape = nil
            }
        }
    }

    private static func randomLimits(_ random: inout SeededBits) -> DelimitedLimits {
        var limits = DelimitedLimits()
        limits.bytesPerBlock = Int.random(in: 1...200, using: &random)
        limits.fieldsPerBatch = Int.random(in: 1...40, using: &random)
        limits.rowsPerChunk = Int.random(in: 1...20, using: &random)
        limits.bytesPerShard = Int.random(in: 1...100, using: &random)
        return limits
    }

    /// A mark in front of all is no part of the text.
    private static func withoutMark(_ bytes: [UInt8]) -> [UInt8] {
        Array(bytes.dropFirst(bytes.starts(with: [0xef, 0xbb, 0xbf]) ? 3 : 0))
    }

    /// What decoding everything as text must give.
    private static func expected(_ spec: DelimitedSpec, _ bytes: [UInt8]) -> Delimited.Table? {
        let records = ReferenceParser.records(spec, withoutMark(bytes))
        guard let width = records.first?.fields.count else { return nil }
        var table = Delimited.Table(names: (1...width).map { "column_\($0)" })
        table.types = table.names.map { _ in .text }
        table.nulledSpecials = table.names.map { _ in 0 }
        for (index, record) in records.enumerated() {
            if record.isBroken || record.fields.count != width {
                if table.dropped.count < 100 { table.dropped.append(Int64(index + 1)) }
                continue
            }
            table.rows.append(
                record.fields.map { field in
                    let text = String(decoding: field.bytes, as: UTF8.self)
                    return !field.isQuoted && spec.nullTexts.contains(text) ? nil : text
                })
        }
        table.recordsRead = Int64(records.count)
        return table
    }

    @Test("records of random text are those of the plain parser, whatever the blocks and shards")
    func agreesWithReference() throws {
        var random = SeededBits(seed)
        let alphabet = Array("aab,,\"\"\n\n\r\r\\# é\u{feff}".unicodeScalars)
        for round in 0..<4000 {
            let spec = Self.randomSpec(&random)
            let length = Int.random(in: 0...(round % 20 == 0 ? 600 : 60), using: &random)
            var text = String.UnicodeScalarView()
            for _ in 0..<length { text.append(alphabet.randomElement(using: &random)!) }
            let bytes = Array(String(text).utf8)
            let limits = Self.randomLimits(&random)
            let step = [1, 3, 17, Int.max].randomElement(using: &random)!
            let expected = Self.expected(spec, bytes)
            let file = Delimited.File("a.csv", bytes)
            guard let expected else {
                #expect(Delimited.formatError { _ = try Delimited.scan([file], spec, limits: limits) } != nil)
                continue
            }
            let records = ReferenceParser.records(spec, Self.withoutMark(bytes))
            let hiding = records.firstIndex {
                ($0.isBroken || $0.fields.count != expected.names.count) && $0.mayHideOthers
            }
            if let hiding {
                let found = Delimited.formatError { _ = try Delimited.scan([file], spec, limits: limits, step: step) }
                // Without a header the first record that is not blank gives the width, and is told as the header is.
                let isFirst = records[..<hiding].allSatisfy { $0.fields.count == 1 && $0.fields[0].bytes.isEmpty }
                #expect(found?.code == .malformedRecord, "seed \(seed), round \(round)")
                #expect(
                    found?.row == Int64(hiding + 1) || isFirst,
                    "seed \(seed), round \(round): \(String(reflecting: String(text))), \(hiding), \(String(describing: found?.row))"
                )
                continue
            }
            var found = try Delimited.read([file], spec, limits: limits, step: step, asText: true)
            found.dropped = Array(found.dropped.prefix(100))
            guard found == expected else {
                Issue.record(
                    "seed \(seed), round \(round): \(String(reflecting: String(text))) \(found) instead of \(expected)")
                return
            }
            let plan = try Delimited.scan([file], spec, limits: limits, step: step)
            #expect(plan.recordCount == expected.recordsRead, "seed \(seed), round \(round)")
            #expect(
                plan.malformedCount == expected.recordsRead - Int64(expected.rows.count), "seed \(seed), round \(round)"
            )
        }
    }

    @Test("random bytes give a table or a named error")
    func randomBytes() throws {
        var random = SeededBits(seed)
        var tables = 0
        var errors = 0
        for _ in 0..<3000 {
            let isText = Bool.random(using: &random)
            let bytes = (0..<Int.random(in: 0...300, using: &random)).map { _ in
                let byte = UInt8.random(in: 0...255, using: &random)
                return isText && byte >= 0x40 ? Array(",\n\"\r1.".utf8)[Int(byte) % 6] : byte
            }
            var spec = Self.randomSpec(&random)
            spec.hasHeader = Bool.random(using: &random)
            spec.encoding = ([nil] + DelimitedSpec.Encoding.allCases.map { $0 }).randomElement(using: &random)!
            if Int.random(in: 0..<8, using: &random) == 0 { spec.compression = .gzip }
            do {
                _ = try Delimited.read([.init("a.csv", bytes)], spec, limits: Self.randomLimits(&random))
                tables += 1
            } catch is FormatError {
                errors += 1
            }
        }
        print("random bytes, seed \(seed): \(tables) tables, \(errors) named errors")
    }

    @Test("damaged gzip gives a table or a named error")
    func damagedGzip() throws {
        var random = SeededBits(seed)
        let text = "a,b\n" + (0..<200).map { _ in "\(random.next()),x\n" }.joined()
        let sound = DelimitedEncodingTests.gzip(Array(text.utf8))
        for _ in 0..<500 {
            var bytes = sound
            for _ in 0..<Int.random(in: 1...3, using: &random) {
                bytes[Int.random(in: 0..<bytes.count, using: &random)] = UInt8.random(in: 0...255, using: &random)
            }
            do {
                _ = try Delimited.read([.init("a.csv.gz", bytes)])
            } catch is FormatError {}
        }
    }

    @Test("shards of any size give the rows of the whole file")
    func shardEquality() throws {
        var random = SeededBits(seed)
        let encodings: [DelimitedSpec.Encoding?] = [nil, .latin1, .windows1252]
        for round in 0..<60 {
            let encoding = encodings[round % 3]
            let newline = ["\n", "\r\n", "\r"][round / 3 % 3]
            var scalars = ["a", "b,", "\"\"", "é", "\n", "\r\n", " "]
            if encoding == .windows1252 { scalars.append("€") }
            var text = "a,b,c\(newline)"
            for record in 0..<Int.random(in: 1...60, using: &random) {
                var cell = ""
                for _ in 0..<Int.random(in: 0...8, using: &random) { cell += scalars.randomElement(using: &random)! }
                text += "\(record),\"\(cell)\",\(Bool.random(using: &random) ? "" : "2020-01-01")\(newline)"
                if Int.random(in: 0..<9, using: &random) == 0 { text += newline }
            }
            let bytes: [UInt8] =
                switch encoding {
                case .latin1: text.unicodeScalars.map { UInt8($0.value) }
                case .windows1252: text.unicodeScalars.map { $0 == "€" ? 0x80 : UInt8($0.value) }
                default: Array(text.utf8)
                }
            let file = Delimited.File("a.csv", bytes)
            let spec = Delimited.spec { $0.encoding = encoding }
            let whole = try Delimited.read([file], spec)
            for size in Array(1...40) + [64, 100, 1000, bytes.count] {
                var limits = DelimitedLimits()
                limits.bytesPerShard = size
                limits.bytesPerBlock = Int.random(in: 1...300, using: &random)
                let plan = try Delimited.scan([file], spec, limits: limits)
                #expect(
                    try Delimited.read([file], spec, limits: limits) == whole,
                    "seed \(seed), round \(round), \(size) bytes")
                checkShards(plan.shards, rows: whole.rows.count, bytes: bytes.count, size: size)
            }
        }
    }

    /// Shards follow each other without gaps, and none is empty.
    private func checkShards(_ shards: [Shard], rows: Int, bytes: Int, size: Int) {
        var at: Int64?
        var records: Int64 = 0
        for (index, shard) in shards.enumerated() {
            guard case .bytes(_, let start, let end, let firstRecord, _) = shard.piece else { continue }
            #expect(shard.index == index && start < end && firstRecord == records && start == at ?? start)
            #expect(index == shards.count - 1 || end - start >= Int64(size))
            at = end
            records += shard.estimatedRows
        }
        // Blank lines and comments at the end are nobody's.
        #expect(at ?? 0 <= Int64(bytes))
        #expect(records == Int64(rows))
    }

    @Test("random values of every type come back as they were written")
    func values() throws {
        var random = SeededBits(seed)
        let types: [DataType] = [
            .int16, .int32, .int64, .float32, .float64, .decimal(precision: 38, scale: 10), .date, .boolean,
            .timestamp(isUTC: false), .timestamp(isUTC: true),
        ]
        let rows: [[String?]] = (0..<3000).map { _ in
            types.map { type in
                Int.random(in: 0..<10, using: &random) == 0 ? nil : Self.randomValue(type, &random)
            }
        }
        let header = types.indices.map { "c\($0)" }.joined(separator: ",")
        let text = ([header] + rows.map { $0.map { $0 ?? "" }.joined(separator: ",") }).joined(separator: "\n")
        let table = try Delimited.read(
            [.init(text)],
            Delimited.spec {
                $0.types = types.enumerated().map { .init(column: "c\($0)", type: $1, position: .start) }
            })
        #expect(table.rows == rows, "seed \(seed)")
    }

    private static func randomValue(_ type: DataType, _ random: inout SeededBits) -> String {
        let bits = random.next()
        let shift = UInt64.random(in: 0..<64, using: &random)
        let integer = Int64(bitPattern: bits) >> Int64(shift)
        switch type {
        case .int16: return String(Int16(truncatingIfNeeded: bits))
        case .int32: return String(Int32(truncatingIfNeeded: bits))
        case .int64: return String(integer)
        case .float32:
            let value = Float(bitPattern: UInt32(truncatingIfNeeded: bits))
            return value.isFinite ? String(value) : "0.0"
        case .float64:
            if bits & 1 == 0 { return String(Double(integer) / 1000) }
            let value = Double(bitPattern: bits)
            return value.isFinite ? String(value) : "0.0"
        case .decimal:
            let whole =
                Int128(integer) * Int128(UInt32(truncatingIfNeeded: bits >> 16))
                % 10_000_000_000_000_000_000_000_000_000
            let fraction = String(String(UInt64(10_000_000_000) + bits % 10_000_000_000).dropFirst())
            return "\(whole == 0 ? "0" : String(whole)).\(fraction)"
        case .date: return Delimited.day(Int(bits % 3_652_059) - 719_162)
        case .boolean: return bits & 1 == 0 ? "true" : "false"
        case .timestamp(let isUTC):
            let time = String(
                format: "%02d:%02d:%02d.%06d", Int(bits % 24), Int(bits >> 8 % 60) % 60, Int(bits >> 16 % 60) % 60,
                Int(bits >> 20 % 1_000_000) % 1_000_000)
            return "\(Delimited.day(Int(bits % 3_652_059) - 719_162)) \(time)\(isUTC ? "Z" : "")"
        default: return "x"
        }
    }
}
