import Columnar
import Model
import Testing

@testable import Transform

@Suite("numbers") struct NumberVerbTests {
    static let money = DataType.decimal(precision: 10, scale: 2)

    static func decimals(_ values: [Int128?], _ type: DataType = money) -> Column { .fixed(values, type) }

    @Test("round takes halves to the even neighbour, exactly")
    func round() throws {
        #expect(
            try Fixture.run([Step("round", 1)], Self.decimals([1_25, 1_35, -1_25, nil, 0])).shown
                == ["1.20", "1.40", "-1.20", nil, "0.00"])
        #expect(
            try Fixture.run([Step("round", -2)], .fixed([Int64(150), 250, -151, nil], .int64)).shown
                == ["200", "200", "-200", nil])
        #expect(
            try Fixture.run([Step("round", 2)], .fixed([2.675, 1.005, 0.125, .nan, -0.375, 1e300, nil], .float64)).shown
                == ["2.67", "1.0", "0.12", "nan", "-0.38", "1e+300", nil])
        #expect(throws: TransformError.self) { try Fixture.run([Step("round", -3)], .fixed([Int16(32_700)], .int16)) }
    }

    @Test("clamp moves what lies outside to the bound")
    func clamp() throws {
        #expect(
            try Fixture.run([Step("clamp", [0, 90])], .fixed([Int32(-5), 0, 42, 91, nil], .int32)).shown
                == ["0", "0", "42", "90", nil])
        #expect(
            try Fixture.run([Step("clamp", [nil, "1.50"])], Self.decimals([1_51, -9_99, nil])).shown
                == ["1.50", "-9.99", nil])
        #expect(
            try Fixture.run([Step("clamp", ["2000-01-01", nil])], .fixed([Int32(0), nil], .date)).shown
                == ["2000-01-01", nil])
        #expect(!Fixture.problems([Step("clamp", [9, 1])], on: .int32).isEmpty)
        #expect(!Fixture.problems([Step("clamp", [1.5, 2])], on: .int32).isEmpty)
    }

    @Test("ranges and widths are written as PostgreSQL writes ranges")
    func rangesAndWidths() throws {
        let ages = Column.fixed([Int16(-1), 0, 17, 18, 64, 65, nil], .int16)
        let expected: [String?] = ["(,0)", "[0,18)", "[0,18)", "[18,65)", "[18,65)", "[65,)", nil]
        #expect(try Fixture.run([Step("ranges", [0, 18, 65])], ages).shown == expected)
        #expect(try Fixture.run([Step("generalize", ["ranges": [0, 18, 65]])], ages).shown == expected)
        #expect(
            try Fixture.run([Step("width", 10)], ages).shown
                == ["[-10,0)", "[0,10)", "[10,20)", "[10,20)", "[60,70)", "[60,70)", nil])
        #expect(
            try Fixture.run([Step("width", 2.5)], Self.decimals([-1, 2_49, 2_50, nil])).shown
                == ["[-2.5,0.0)", "[0.0,2.5)", "[2.5,5.0)", nil])
        #expect(
            try Fixture.run([Step("width", 0.1)], .fixed([0.25, -0.05, .nan, .infinity, nil], .float64)).shown
                == ["[0.2,0.3)", "[-0.1,0.0)", "NaN", "Infinity", nil])
        #expect(
            try Fixture.run([Step("ranges", ["2000-01-01"])], .fixed([Int32(0), 20_000], .date)).shown
                == ["(,2000-01-01)", "[2000-01-01,)"])
        #expect(!Fixture.problems([Step("ranges", [5, 5])], on: .int32).isEmpty)
        #expect(!Fixture.problems([Step("width", 0)], on: .int32).isEmpty)
        #expect(!Fixture.problems([Step("ranges", [1.5])], on: .int32).isEmpty)
    }

    @Test(
        "an edge that prints as 1.2 begins its range, in every type and at every multiple",
        arguments: ["0.1", "0.3", "1.2", "0.05", "0.7"])
    func edges(width: String) throws {
        let scale = width.count - 2
        let units = try #require(DecimalText(width)).units
        // Whole multiples as they would be written, their neighbours on both sides, and the ranges by integers alone.
        let multiples = (-500...500).map { Int128($0) }
        let texts = multiples.map { DecimalText.text($0 * units, scale: scale) }
        func range(_ multiple: Int128) -> String {
            "[\(DecimalText.text(multiple * units, scale: scale)),\(DecimalText.text((multiple + 1) * units, scale: scale)))"
        }
        let step = Step("width", .scalar(.number, width))
        let own = multiples.map(range)
        let below = multiples.map { range($0 - 1) }
        let doubles = texts.compactMap { Double($0) }
        #expect(try Fixture.run([step], .fixed(doubles, .float64)).shown == own)
        #expect(try Fixture.run([step], .fixed(doubles.map(\.nextUp), .float64)).shown == own)
        #expect(try Fixture.run([step], .fixed(doubles.map(\.nextDown), .float64)).shown == below)
        let floats = texts.compactMap { Float($0) }
        #expect(try Fixture.run([step], .fixed(floats, .float32)).shown == own)
        #expect(try Fixture.run([step], .fixed(floats.map(\.nextDown), .float32)).shown == below)
        // The same by `ranges`.
        let list = Step("ranges", .list(texts.map { .scalar(.number, $0) }))
        let expected = texts.indices.map {
            $0 + 1 < texts.count ? "[\(texts[$0]),\(texts[$0 + 1]))" : "[\(texts[$0]),)"
        }
        #expect(try Fixture.run([list], .fixed(doubles, .float64)).shown == expected)
        #expect(try Fixture.run([list], .fixed(floats, .float32)).shown == expected)
    }

    @Test("a width far below the number gives an honest range")
    func farEdges() throws {
        #expect(
            try Fixture.run([Step("width", 10)], .fixed([1e300, -1e300, .infinity, 1e17], .float64)).shown
                == ["(,)", "(,)", "Infinity", "[100000000000000000,100000000000000010)"])
    }

    @Test("parse_number reads a country's way of writing numbers")
    func parseNumber() throws {
        let german = Step("parse_number", ["decimal": ",", "thousands": ".", "to": "decimal(10,2)"])
        #expect(
            try Fixture.texts([german], ["1.234,56", "-0,5", " 12 ", "1.234.567,8", nil])
                == ["1234.56", "-0.50", "12.00", "1234567.80", nil])
        #expect(
            try Fixture.texts([Step("parse_number")], ["1e3".replacingOccurrencesOfE, "3.25", ".5", nil])
                == ["1.0", "3.25", "0.5", nil])
        for wrong in ["1.23,4", "", "1,2,3", "12.3456", "abc", "1.234,567"] {
            #expect(throws: TransformError.self, "\(wrong)") { try Fixture.texts([german], [wrong]) }
        }
        #expect(
            try Fixture.texts(
                [Step("parse_number", ["to": "int32", "on_failure": "null"])], ["12.00", "12.5", "9999999999"])
                == ["12", nil, nil])
    }

    @Test("every cast keeps the value or fails")
    func casts() throws {
        func cast(_ column: Column, _ type: String) throws -> [String?] {
            // `keep` in front: not a way of reading, a step.
            try Fixture.run(
                [Step("keep"), Step("cast", .map([("to", .scalar(.text, type)), ("on_failure", "null")]))], column
            ).shown
        }
        let texts = Column.texts(["1", "-32769", "1.5", "x", "", nil, "true", "2024-02-29", "2024-02-30"])
        #expect(try cast(texts, "int16") == ["1", nil, nil, nil, nil, nil, nil, nil, nil])
        #expect(try cast(texts, "int64") == ["1", "-32769", nil, nil, nil, nil, nil, nil, nil])
        #expect(try cast(texts, "float64") == ["1.0", "-32769.0", "1.5", nil, nil, nil, nil, nil, nil])
        #expect(try cast(texts, "decimal(4,1)") == ["1.0", nil, "1.5", nil, nil, nil, nil, nil, nil])
        #expect(try cast(texts, "boolean") == ["true", nil, nil, nil, nil, nil, "true", nil, nil])
        #expect(try cast(texts, "date") == [nil, nil, nil, nil, nil, nil, nil, "2024-02-29", nil])
        #expect(
            try cast(
                .texts(["2024-01-02T03:04:05.5Z", "2024-01-02 03:04:05+02", "2024-01-02T03:04:05"]), "timestamptz")
                == ["2024-01-02T03:04:05.500000Z", "2024-01-02T01:04:05Z", nil])
        #expect(
            try cast(.fixed([Int64(1) << 53, (Int64(1) << 53) + 1, nil], .int64), "float64")
                == ["9007199254740992.0", nil, nil])
        #expect(try cast(.fixed([1.0, 1.5, .nan, 1e10, nil], .float64), "int32") == ["1", nil, nil, nil, nil])
        #expect(try cast(.fixed([0.1, 0.125, 1e30], .float64), "decimal(5,2)") == ["0.10", nil, nil])
        #expect(try cast(.fixed([0.1, 0.5, .nan], .float64), "float32") == [nil, "0.5", "nan"])
        #expect(try cast(Self.decimals([1_50, 2_00, nil]), "int32") == [nil, "2", nil])
        #expect(try cast(Self.decimals([1_50, 2_01]), "decimal(3,1)") == ["1.5", nil])
        #expect(try cast(Self.decimals([10]), "float64") == ["0.1"])
        #expect(
            try cast(.fixed([Int128(1_234_567_890_123_456_789)], .decimal(precision: 30, scale: 3)), "float64") == [nil]
        )
        #expect(try cast(.fixed([Int32(0), 1, 2, nil], .int32), "boolean") == ["false", "true", nil, nil])
        #expect(try cast(.booleans([true, false, nil]), "int16") == ["1", "0", nil])
        #expect(try cast(.fixed([Int32(1), nil], .date), "timestamp") == ["1970-01-02T00:00:00", nil])
        #expect(
            try cast(.fixed([Int64(86_400_000_000), 1, nil], .timestamp(isUTC: true)), "date") == [
                "1970-01-02", nil, nil,
            ])
        #expect(try cast(.binary([[0x61], [0xff], nil]), "text") == ["a", nil, nil])
        #expect(try cast(.texts(["a", nil]), "binary") == ["61", nil])
        #expect(!Fixture.problems([Step("keep"), Step("cast", "date")], on: .int32).isEmpty)
        #expect(!Fixture.problems([Step("keep"), Step("cast", "text")], on: .list(.list(.text))).isEmpty)
    }

    @Test("decimal text is exact at the ends of 38 digits")
    func decimalText() throws {
        let largest = DecimalText.largest
        let type = DataType.decimal(precision: 38, scale: 38)
        #expect(
            Column.fixed([largest, -largest, 0, 1], type).shown
                == [
                    "0." + String(repeating: "9", count: 38), "-0." + String(repeating: "9", count: 38),
                    "0." + String(repeating: "0", count: 38), "0." + String(repeating: "0", count: 37) + "1",
                ])
        #expect(DecimalText("99999999999999999999999999999999999999")?.units == largest)
        #expect(DecimalText("100000000000000000000000000000000000000") == nil)
        #expect(DecimalText("1.5e2")?.units(atScale: 0) == 150)
        #expect(DecimalText("1.5e-2")?.units(atScale: 3) == 15)
        for wrong in ["", "-", ".", "1.2.3", "1e", "e1", "1 ", "0x1"] { #expect(DecimalText(wrong) == nil, "\(wrong)") }
    }
}

extension String {
    /// parse_number knows no exponents; what stands before one is a number.
    fileprivate var replacingOccurrencesOfE: String { String(prefix { $0 != "e" }) }
}
