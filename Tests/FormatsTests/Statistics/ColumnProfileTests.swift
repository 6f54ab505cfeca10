import Columnar
import Model
import Testing

@testable import Formats

@Suite("The profile of a column")
struct ColumnProfileTests {
    private func profile(_ type: DataType, _ cells: [Cell], chunkRows: Int = 1_000) -> ColumnProfile {
        var profile = ColumnProfile(type)
        for chunk in [TestColumn(name: "c", type: type, cells: cells)].chunks(of: chunkRows) {
            profile.add(chunk.columns[0])
        }
        return profile
    }

    @Test("tells counts, bounds, mean and spread, and which values are frequent")
    func numbers() {
        let cells: [Cell] = [.int(2), .int(4), .int(4), .int(4), .null, .int(5), .int(5), .int(7), .int(9)]
        let json = profile(.int32, cells).json
        #expect(json["rows"] == 9 && json["nulls"] == 1 && json["minimum"] == 2 && json["maximum"] == 9)
        #expect(json["mean"] == .number(5) && json["standardDeviation"] == .number(2))
        #expect(json["distinct"] == .record(["count": 5, "isExact": true]))
        #expect(json["frequent"]?.items?.first == .record(["value": 4, "count": 3]))
        #expect(json["frequent"]?.items?.count == 5)
        #expect(json["quantiles"]?.items?.count == 21)
    }

    @Test("spells values as exports do")
    func spelling() {
        let decimals = profile(.decimal(precision: 10, scale: 2), [.decimal(-150), .decimal(250), .null]).json
        #expect(decimals["minimum"] == "-1.50" && decimals["maximum"] == "2.50" && decimals["mean"] == .number(0.5))
        let dates = profile(.date, [.int(0), .int(2)]).json
        #expect(
            dates["minimum"] == "1970-01-01" && dates["mean"] == "1970-01-02"
                && dates["standardDeviation"] == .number(1))
        let times = profile(.timestamp(isUTC: true), [.int(0), .int(4_000_000)]).json
        #expect(times["maximum"] == "1970-01-01T00:00:04Z" && times["standardDeviation"] == .number(2))
        #expect(times["quantiles"]?.items?.last == "1970-01-01T00:00:04Z")
        #expect(
            profile(.boolean, [.flag(true), .flag(true), .flag(false)]).json["frequent"]?.items?.first?["value"]
                == "true")
        #expect(profile(.binary, [.bytes([255])]).json["minimum"] == "ff")
        let texts = profile(.text, [.text("b"), .text(""), .text("é")]).json
        #expect(texts["minimum"] == "" && texts["maximum"] == "é" && texts["mean"] == nil)
    }

    @Test("leaves NaN, infinity, nulls and nesting out where they do not belong")
    func special() {
        let floats = profile(.float64, [.double(.nan), .double(-0.0), .double(0), .double(.infinity), .double(2)]).json
        #expect(floats["nan"] == 1 && floats["minimum"] == .number(0) && floats["maximum"] == "Infinity")
        #expect(floats["mean"] == .number(2.0 / 3) && floats["distinct"]?["count"] == 3)
        let empty = profile(.int64, []).json
        #expect(
            empty
                == .record(["rows": 0, "nulls": 0, "distinct": .record(["count": 0, "isExact": true]), "frequent": []]))
        #expect(profile(.float32, [.null, .null]).json["mean"] == nil)
        #expect(profile(.list(.int32), [.list([.int(1)]), .null]).json == .record(["rows": 2, "nulls": 1]))
    }

    @Test("is the same however rows are cut, and close when merged")
    func cutting() {
        for (type, distinct) in [
            (DataType.int64, 0), (.text, 0), (.float64, 300), (.decimal(precision: 20, scale: 3), 0),
        ] {
            let cells = SampleCells.cells(type, count: 30_000, nulls: .random, distinct: distinct, seed: 5)
            let whole = profile(type, cells, chunkRows: 30_000)
            #expect(profile(type, cells, chunkRows: 777).json == whole.json)
            var merged = profile(type, Array(cells[..<10_000]))
            merged.merge(profile(type, Array(cells[10_000...])))
            #expect(merged.rowCount == whole.rowCount && merged.nullCount == whole.nullCount)
            for member in ["minimum", "maximum", "distinct"] { #expect(merged.json[member] == whole.json[member]) }
            if let mean = whole.mean, let other = merged.mean, let spread = whole.standardDeviation {
                #expect(abs(mean - other) <= 1e-9 * max(abs(mean), spread))
            }
        }
    }

    @Test("estimates many different values, quantiles and frequent ones among them")
    func estimates() {
        let cells = (0..<200_000).map { Cell.int($0 % 10 == 0 ? -1 : Int64($0 * 7_919 % 200_000)) }
        let profile = profile(.int64, cells, chunkRows: 65_536)
        #expect(!profile.isDistinctExact && abs(Double(profile.distinctCount) / 180_001 - 1) < 0.06)
        #expect(profile.json["frequent"]?.items?.first?["value"] == -1)
        let count = profile.json["frequent"]?.items?.first?["count"]?.integer ?? 0
        #expect(count <= 20_000 && count > 20_000 - 200_000 / 4096)
        if case .number(let median)? = profile.json["quantiles"]?.items?[10] { #expect(abs(median / 88_888 - 1) < 0.1) }
        for distinct in [10, 1_000, 4_000] {
            let few = (0..<20_000).map { Cell.text("value \($0 % distinct)") }
            #expect(self.profile(.text, few).distinctCount == Int64(distinct))
        }
    }
}
