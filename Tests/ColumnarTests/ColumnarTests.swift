import Columnar
import Model
import TestKit
import Testing

/// Columns against plain arrays of optionals.
struct ColumnarTests {
    @Test(
        "what is selected are the rows that the flags hold, nulls and all",
        arguments: [0, 1, 7, 8, 9, 63, 64, 65, 1000])
    func selecting(rows: Int) {
        var random = SeededGenerator(seed: UInt64(rows))
        for share in [0, 1, 2, 10] {
            let numbers = (0..<rows).map { _ in
                Int.random(in: 0...share, using: &random) == 0 ? Int64.random(in: .min ... .max, using: &random) : nil
            }
            let keep = (0..<rows).map { _ in Bool.random(using: &random) }
            let wanted = zip(numbers, keep).filter(\.1).map(\.0)
            #expect(Self.numbers(Self.column(numbers).selecting(keep)) == wanted)
            let texts = numbers.map { $0.map { String(repeating: "é", count: Int($0 & 3)) + String($0) } }
            #expect(
                Self.texts(Self.column(texts).selecting(keep)) == zip(texts, keep).filter(\.1).map(\.0))
            let flags = numbers.map { $0.map { $0 & 1 == 1 } }
            #expect(Self.flags(Self.column(flags).selecting(keep)) == zip(flags, keep).filter(\.1).map(\.0))
        }
    }

    @Test("lists keep their own elements when rows in front of them go")
    func lists() {
        let elements = Self.column((0..<6).map { Int64($0) })
        let column = Column(
            type: .list(.int64), rowCount: 4, validity: Buffer(copying: [0b1011 as UInt8]),
            storage: .list(offsets: Buffer(copying: [0, 2, 3, 3, 6] as [Int32]), elements: elements))
        let kept = column.selecting([false, true, true, true])
        guard case .list(let offsets, let left) = kept.storage else {
            Issue.record("a selected list is no list")
            return
        }
        #expect(unsafe Array(offsets.elements(Int32.self)) == [0, 1, 1, 4])
        #expect(Self.numbers(left) == [2, 3, 4, 5])
        #expect((0..<3).map(kept.isNull) == [false, true, false])
    }

    @Test(
        "a column of nulls alone has the storage of its type",
        arguments: [DataType.int64, .text, .boolean, .list(.text)])
    func nulls(type: DataType) {
        let column = Column(nulls: 9, type: type)
        #expect(column.nullCount == 9 && (0..<9).allSatisfy(column.isNull))
        #expect(column.selecting((0..<9).map { $0 % 2 == 0 }).nullCount == 5)
    }

    // MARK: Fixture

    private static func column(_ values: [Int64?]) -> Column {
        var builder = FixedBuilder<Int64>(rows: values.count)
        for value in values { if let value { builder.append(value) } else { builder.appendNull() } }
        return builder.finish(type: .int64)
    }
    private static func column(_ values: [String?]) -> Column {
        var builder = VariableBuilder(rows: values.count, bytes: 1)
        for value in values { if let value { builder.append(value) } else { builder.appendNull() } }
        return builder.finish(type: .text)
    }
    private static func column(_ values: [Bool?]) -> Column {
        var builder = BooleanBuilder()
        for value in values { if let value { builder.append(value) } else { builder.appendNull() } }
        return builder.finish()
    }
    private static func numbers(_ column: Column) -> [Int64?] {
        let values = unsafe Array(column.values(Int64.self))
        return (0..<column.rowCount).map { column.isNull($0) ? nil : values[$0] }
    }
    private static func texts(_ column: Column) -> [String?] {
        (0..<column.rowCount).map {
            column.isNull($0) ? nil : unsafe String(decoding: column.variableBytes($0), as: UTF8.self)
        }
    }
    private static func flags(_ column: Column) -> [Bool?] {
        guard case .fixed(let bits) = column.storage else { return [] }
        return (0..<column.rowCount).map { row in
            column.isNull(row) ? nil : unsafe bits.bytes[row >> 3] >> UInt8(row & 7) & 1 == 1
        }
    }
}
