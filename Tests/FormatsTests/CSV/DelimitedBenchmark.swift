import Columnar
import Foundation
import Model
import Testing

@testable import Formats

/// How fast planning and decoding go; small unless `ETL_BENCHMARK` gives the megabytes. Checks its result, prints times.
@Suite("delimited files: speed", .serialized)
struct DelimitedBenchmark {
    private let byteCount =
        (Int(ProcessInfo.processInfo.environment["ETL_BENCHMARK"] ?? "") ?? 0) << 20 + 200_000

    private func measure(_ name: String, _ bytes: [UInt8], _ body: () throws -> Int64) rethrows -> Int64 {
        let clock = ContinuousClock()
        var rows: Int64 = 0
        let time = try clock.measure { rows = try body() }
        let seconds = Double(time.components.seconds) + Double(time.components.attoseconds) / 1e18
        print("\(name): \(Int(Double(bytes.count) / 1e6 / seconds)) MB/s, \(rows) rows")
        return rows
    }

    @Test("planning and decoding agree on the rows")
    func speed() throws {
        var records: Int64 = 0
        var text = "id,name,email,amount,born,seen,flag,note\n"
        text.reserveCapacity(byteCount + 1000)
        while text.utf8.count < byteCount {
            let n = records
            text += """
                \(1_000_000 + n),Name \(n % 977),user\(n)@example.org,\(n % 10_000).\(10 + n % 90),19\(10 + n % 90)-0\(1 + n % 9)-1\(n % 10),\
                2021-03-0\(1 + n % 9) 12:\(10 + n % 50):07.25,\(n % 2 == 0),\(n % 5 == 0 ? "\"said \"\"no\"\", twice\"" : "")

                """
            records += 1
        }
        let bytes = Array(text.utf8)
        let file = Delimited.File("a.csv", bytes)
        let names = text.prefix { $0 != "\n" }.split(separator: ",").map(String.init)
        let declared = Delimited.spec { spec in
            spec.types = names.map { .init(column: $0, type: .text, position: .start) }
        }
        let boundaries = try measure("records and shards", bytes) { try Delimited.scan([file], declared).recordCount }
        var plan = try Delimited.scan([file], declared)
        let inferred = try measure("records, shards and types", bytes) {
            plan = try Delimited.scan([file], Delimited.spec())
            return plan.recordCount
        }
        #expect(boundaries == records && inferred == records)
        #expect(
            plan.columns.map(\.type.description) == [
                "int64", "text", "text", "decimal(6,2)", "date", "timestamp", "boolean", "text",
            ])
        for (name, asText) in [("decode in types", false), ("decode as text", true)] {
            let columns = plan.columns.enumerated().map {
                DelimitedColumn(fieldIndex: $0, name: $1.name, type: asText ? .text : $1.type)
            }
            let rows = try measure(name, bytes) {
                let start = Int64(text.utf8.prefix { $0 != 10 }.count + 1)
                let decoder = try DelimitedDecoder(
                    Delimited.spec(), file: "a.csv", start: start, firstRecord: 0, fieldCount: columns.count,
                    columns: columns, bytes: Delimited.Bytes(bytes[Int(start)...]))
                var rows: Int64 = 0
                while let chunk = try decoder.next() { rows += Int64(chunk.rowCount) }
                return rows
            }
            #expect(rows == records)
        }
    }
}
