import Columnar
import Foundation
import Model

@testable import Formats

/// Reading delimited files as a test does: plan all, decode every shard, look at texts.
enum Delimited {
    /// Bytes of a test, given in steps of at most `step`.
    final class Bytes: ByteSource {
        private var bytes: ArraySlice<UInt8>
        private let step: Int

        init(_ bytes: ArraySlice<UInt8>, step: Int = .max) {
            self.bytes = bytes
            self.step = step
        }

        func read(into memory: UnsafeMutableRawBufferPointer) throws -> Int {
            let count = min(memory.count, bytes.count, step)
            unsafe memory.copyBytes(from: bytes.prefix(count))
            bytes = bytes.dropFirst(count)
            return count
        }
    }

    /// What came out of a source, as texts; nil is NULL.
    struct Table: Equatable {
        var names: [String] = []
        var types: [DataType] = []
        var rows: [[String?]] = []
        var recordsRead: Int64 = 0
        var dropped: [Int64] = []
        var nulledSpecials: [Int64] = []
    }

    struct File {
        let name: String
        let bytes: [UInt8]

        init(_ name: String, _ bytes: [UInt8]) {
            self.name = name
            self.bytes = bytes
        }

        init(_ text: String) { self.init("a.csv", Array(text.utf8)) }
    }

    static func spec(_ change: (inout DelimitedSpec) -> Void = { _ in }) -> DelimitedSpec {
        var spec = DelimitedSpec(path: "a.csv", pathPosition: .start)
        change(&spec)
        return spec
    }

    static func scan(
        _ files: [File], _ spec: DelimitedSpec, limits: DelimitedLimits = DelimitedLimits(), step: Int = .max
    ) throws -> DelimitedScan {
        let scanner = try DelimitedScanner(
            spec, source: "labs", limits: limits, first: files[0].name, bytes: Bytes(files[0].bytes[...], step: step))
        return scanner.join(
            try files.map { try scanner.scan(file: $0.name, bytes: Bytes($0.bytes[...], step: step)) })
    }

    /// Plans the files and decodes every shard.
    static func read(
        _ files: [File], _ spec: DelimitedSpec = Delimited.spec(), limits: DelimitedLimits = DelimitedLimits(),
        step: Int = .max,
        asText: Bool = false, nullsSpecials: Bool = false
    ) throws -> Table {
        let plan = try scan(files, spec, limits: limits, step: step)
        let columns = plan.columns.enumerated().map { index, column in
            DelimitedColumn(
                fieldIndex: index, name: column.name, type: asText ? .text : column.type, nullsSpecials: nullsSpecials)
        }
        return try read(files, plan.shards, columns, spec, fieldCount: plan.columns.count, limits: limits, step: step)
    }

    static func read(
        _ files: [File], _ shards: [Shard], _ columns: [DelimitedColumn], _ spec: DelimitedSpec, fieldCount: Int,
        limits: DelimitedLimits = DelimitedLimits(), step: Int = .max
    ) throws -> Table {
        var table = Table(names: columns.map(\.name), types: columns.map(\.type))
        table.nulledSpecials = columns.map { _ in 0 }
        for shard in shards {
            guard case .bytes(let path, let start, let end, let firstRecord, _) = shard.piece else { continue }
            let file = files.first { $0.name == path }!
            let decoder = try DelimitedDecoder(
                spec, file: path, start: start, firstRecord: firstRecord, fieldCount: fieldCount, columns: columns,
                bytes: Bytes(file.bytes[Int(start)..<Int(end)], step: step), limits: limits)
            var rows: Int64 = 0
            while let chunk = try decoder.next() {
                precondition(chunk.firstRow == rows && chunk.rowCount > 0 && chunk.rowCount <= limits.rowsPerChunk)
                rows += Int64(chunk.rowCount)
                for row in 0..<chunk.rowCount { table.rows.append(chunk.columns.map { cell($0, row) }) }
            }
            precondition(decoder.counts.recordsRead == rows + decoder.counts.dropped, "rows balance")
            table.recordsRead += decoder.counts.recordsRead
            table.dropped += decoder.counts.droppedRecords
            for (index, count) in decoder.counts.nulledSpecials.enumerated() { table.nulledSpecials[index] += count }
        }
        return table
    }

    /// A value as text; nil for NULL.
    static func cell(_ column: Column, _ row: Int) -> String? {
        if column.isNull(row) { return nil }
        switch column.type {
        case .boolean:
            guard case .fixed(let bits) = column.storage else { return "?" }
            return unsafe bits.bytes[row >> 3] >> UInt8(row & 7) & 1 == 1 ? "true" : "false"
        case .int16: return unsafe String(column.values(Int16.self)[row])
        case .int32: return unsafe String(column.values(Int32.self)[row])
        case .int64: return unsafe String(column.values(Int64.self)[row])
        case .float32: return unsafe String(column.values(Float.self)[row])
        case .float64: return unsafe String(column.values(Double.self)[row])
        case .decimal(_, let scale):
            let value = unsafe column.values(Int128.self)[row]
            let digits = String(value.magnitude)
            let padded = String(repeating: "0", count: max(0, scale + 1 - digits.count)) + digits
            let sign = value < 0 ? "-" : ""
            return scale == 0 ? sign + padded : "\(sign)\(padded.dropLast(scale)).\(padded.suffix(scale))"
        case .date: return unsafe day(Int(column.values(Int32.self)[row]))
        case .timestamp(let isUTC):
            let micros = unsafe column.values(Int64.self)[row]
            let days = Int(floor(Double(micros) / 86_400_000_000))
            var rest = micros - Int64(days) * 86_400_000_000
            if rest < 0 { rest += 86_400_000_000 }
            let seconds = rest / 1_000_000
            let time = String(
                format: "%02d:%02d:%02d.%06d", seconds / 3600, seconds / 60 % 60, seconds % 60, rest % 1_000_000)
            return "\(day(days)) \(time)\(isUTC ? "Z" : "")"
        default: return unsafe String(decoding: column.variableBytes(row), as: UTF8.self)
        }
    }

    /// `YYYY-MM-DD` of a day since 1970-01-01 in the proleptic Gregorian calendar, found year by year.
    static func day(_ days: Int) -> String {
        func isLeap(_ year: Int) -> Bool { year % 4 == 0 && (year % 100 != 0 || year % 400 == 0) }
        var year = 1970
        var rest = days
        while rest < 0 {
            year -= 1
            rest += isLeap(year) ? 366 : 365
        }
        while rest >= (isLeap(year) ? 366 : 365) {
            rest -= isLeap(year) ? 366 : 365
            year += 1
        }
        var month = 0
        let lengths = [31, isLeap(year) ? 29 : 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31]
        while rest >= lengths[month] {
            rest -= lengths[month]
            month += 1
        }
        return String(format: "%04d-%02d-%02d", year, month + 1, rest + 1)
    }

    /// The `FormatError` that `body` throws, or nil.
    static func formatError(_ body: () throws -> Void) -> FormatError? {
        do { try body() } catch let error as FormatError { return error } catch {}
        return nil
    }
}
