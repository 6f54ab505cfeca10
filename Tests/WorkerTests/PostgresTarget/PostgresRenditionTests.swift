import Columnar
import Formats
import Foundation
import Model
import ModuleStore
import TestKit
import Testing

@testable import Worker

@Suite(
    "A part in PostgreSQL is the same file again",
    .enabled(if: PostgresTestServer.shared != nil, Comment(rawValue: PostgresTestServer.reasonToSkip)))
struct PostgresRenditionTests {
    private func columns(_ types: [DataType]) -> [OutputColumn] {
        types.enumerated().map { OutputColumn(name: "c\($0) \"\($1)\"", type: $1, isProtected: $0 % 2 == 1) }
    }

    private func check(
        _ fixture: TargetFixture, _ columns: [OutputColumn], _ chunks: [Chunk], codec: TargetSpec.Codec = .lz4
    )
        throws
    {
        let attempt = try fixture.store.beginAttempt(module: TargetFixture.module)
        let receipt = try fixture.stage(attempt, table: "t", columns: columns, chunks: chunks, codec: codec)
        let record = try fixture.publish(attempt, [receipt]).record
        #expect(try fixture.findings() == [])
        let file = try fixture.store.openFile(record, ModuleLayout.part(table: "t", shard: 0))
        #expect(file.byteCount == receipt.byteCount)
        // The rows as a file of a folder: the same bytes, written without any database.
        let sink = Collected()
        let writer = ParquetWriter(columns: columns, codec: codec, sink: sink)
        for chunk in chunks { try writer.append(chunk) }
        _ = try writer.finish()
        #expect(try file.read(offset: 0, count: Int(file.byteCount)) == sink.bytes)
        #expect(
            try fixture.one("SELECT count(*) FROM \"\(fixture.schema)\".t")
                == String(chunks.reduce(0) { $0 + $1.rowCount }))
    }

    private final class Collected: ByteSink {
        var bytes: [UInt8] = []
        func write(_ more: UnsafeRawBufferPointer) { unsafe bytes.append(contentsOf: more) }
    }

    @Test(
        "every type, with edges and nulls, in chunks of any size and every codec", arguments: TargetSpec.Codec.allCases)
    func everyType(_ codec: TargetSpec.Codec) throws {
        let seed = UInt64.random(in: 0 ... .max)
        print("seed \(seed)")
        try withTarget("types") { fixture in
            var random = RandomColumns(seed: seed)
            let columns = columns(RandomColumns.types)
            var firstRow: Int64 = 0
            let chunks = [1, 63, 64, 65, 1000, 0, 7].map { rows in
                defer { firstRow += Int64(rows) }
                return random.chunk(columns, rows: rows, firstRow: firstRow)
            }
            try check(fixture, columns, chunks, codec: codec)
        }
    }

    @Test("no rows, and columns of nulls alone")
    func nothing() throws {
        try withTarget("nothing") { fixture in
            var random = RandomColumns(seed: 1)
            random.nullPercent = 100
            let columns = columns(RandomColumns.types)
            try check(fixture, columns, [])
            try check(fixture, columns, [random.chunk(columns, rows: 100, firstRow: 0)])
        }
    }

    @Test("rows of very different sizes stay in their order, texts that lie elsewhere too")
    func order() throws {
        let seed = UInt64.random(in: 0 ... .max)
        print("seed \(seed)")
        try withTarget("order") { fixture in
            var random = RandomColumns(seed: seed)
            random.longestText = 9000
            let columns = columns([.int64, .text, .binary, .list(.text), .text, .text])
            let chunks = (0..<12).map { random.chunk(columns, rows: 2500, firstRow: Int64(2500 * $0)) }
            try check(fixture, columns, chunks)
        }
    }

    @Test("a huge cell")
    func hugeCell() throws {
        try withTarget("huge") { fixture in
            var builder = VariableBuilder(rows: 2, bytes: 64)
            builder.append(String(repeating: "ä", count: 9 << 20))
            builder.append("")
            let chunk = Chunk(columns: [builder.finish(type: .text)], rowCount: 2, firstRow: 0)
            try check(fixture, columns([.text]), [chunk])
        }
    }

    @Test("as many columns as a table can have")
    func wide() throws {
        try withTarget("wide") { fixture in
            let columns = columns(Array(repeating: .int32, count: 1600))
            var random = RandomColumns(seed: 2)
            try check(fixture, columns, [random.chunk(columns, rows: 10, firstRow: 0)])
        }
    }

    @Test("readers see the values themselves")
    func values() throws {
        try withTarget("values") { fixture in
            let types: [DataType] = [
                .decimal(precision: 12, scale: 2), .timestamp(isUTC: true), .timestamp(isUTC: false), .date, .float64,
                .boolean, .decimal(precision: 5, scale: 5),
            ]
            func one<Element: BitwiseCopyable>(_ type: DataType, _ value: Element) -> Column {
                var builder = FixedBuilder<Element>(rows: 1)
                builder.append(value)
                return builder.finish(type: type)
            }
            var flag = BooleanBuilder()
            flag.append(true)
            let chunk = Chunk(
                columns: [
                    one(types[0], Int128(-123_400_050)), one(types[1], Int64(-1)),
                    one(types[2], Int64(951_868_799_123_456)),
                    one(types[3], Int32(-719_162)), one(types[4], -0.0), flag.finish(), one(types[6], Int128(10)),
                ], rowCount: 1, firstRow: 0)
            try check(fixture, columns(types), [chunk])
            #expect(
                try fixture.one("SET timezone = 'UTC'; SELECT * FROM \"\(fixture.schema)\".t")
                    == "-1234000.50|1969-12-31 23:59:59.999999+00|2000-02-29 23:59:59.123456|0001-01-01|-0|t|0.00010")
        }
    }

    @Test("a text with U+0000 is refused by column and row, and nothing of the part is left")
    func zeroByte() throws {
        try withTarget("zero") { fixture in
            let attempt = try fixture.store.beginAttempt(module: TargetFixture.module)
            var builder = VariableBuilder(rows: 2, bytes: 64)
            builder.append("fine")
            builder.append("secret\u{0}value")
            let chunk = Chunk(columns: [builder.finish(type: .text)], rowCount: 2, firstRow: 40)
            let error = try #require(throws: FormatError.self) {
                _ = try fixture.stage(
                    attempt, table: "t", columns: [OutputColumn(name: "note", type: .text, isProtected: false)],
                    chunks: [chunk])
            }
            #expect(error.column == "note" && error.row == 41 && error.reason.contains("U+0000") && error.remedy != nil)
            #expect(!"\(error)".contains("secret"))
            #expect(
                try fixture.one(
                    "SELECT count(*) FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace WHERE n.nspname LIKE 'clinic%'"
                )
                    == "0")
        }
    }

    @Test("a date outside the years that are kept is refused")
    func farDate() throws {
        try withTarget("date") { fixture in
            let attempt = try fixture.store.beginAttempt(module: TargetFixture.module)
            var builder = FixedBuilder<Int32>(rows: 1)
            builder.append(2_932_897)
            let chunk = Chunk(columns: [builder.finish(type: .date)], rowCount: 1, firstRow: 0)
            #expect(throws: FormatError.self) {
                _ = try fixture.stage(
                    attempt, table: "t", columns: [OutputColumn(name: "d", type: .date, isProtected: false)],
                    chunks: [chunk])
            }
        }
    }
}
