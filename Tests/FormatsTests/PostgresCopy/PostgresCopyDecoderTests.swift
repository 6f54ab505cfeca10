import Columnar
import Formats
import Model
import Testing

@Suite("PostgreSQL binary COPY")
struct PostgresCopyDecoderTests {
    private func one(_ type: PostgresType, _ value: [UInt8]?, nullsSpecials: Bool = false, as wish: DataType? = nil)
        throws -> String?
    {
        try decode(
            [decoderInput("c", type, nullsSpecials: nullsSpecials, as: wish)],
            [CopyBytes.header + CopyBytes.tuple([value]), CopyBytes.trailer])[0][0]
    }

    private func failure(_ type: PostgresType, _ value: [UInt8]) throws -> FormatError? {
        do {
            _ = try one(type, value)
            return nil
        } catch let error as FormatError {
            return error
        }
    }

    @Test("fixed-width values are turned from the network's order, edges included")
    func fixedWidths() throws {
        #expect(try one(builtin("bool"), [1]) == "t")
        #expect(try one(builtin("bool"), [0]) == "f")
        #expect(try one(builtin("int2"), CopyBytes.big(Int16.min)) == "-32768")
        #expect(try one(builtin("int4"), CopyBytes.big(Int32.max)) == "2147483647")
        #expect(try one(builtin("int8"), CopyBytes.big(Int64.min)) == "-9223372036854775808")
        #expect(try one(builtin("oid"), CopyBytes.big(UInt32.max)) == "4294967295")
        #expect(try one(builtin("float4"), CopyBytes.big(Float(-0.0).bitPattern)) == "-0")
        #expect(try one(builtin("float8"), CopyBytes.big(Double.nan.bitPattern)) == "NaN")
        #expect(try one(builtin("float8"), CopyBytes.big((-Double.infinity).bitPattern)) == "-Infinity")
        #expect(try one(builtin("float8"), CopyBytes.big((5e-324).bitPattern)) == "5e-324")
        #expect(try one(builtin("int4"), nil) == nil)
        #expect(try one(builtin("uuid"), Array(0..<16)) == "00010203-0405-0607-0809-0a0b0c0d0e0f")
        #expect(try one(builtin("bytea"), [0, 255]) == "\\x00ff")
        #expect(try one(builtin("jsonb"), [1] + Array("{}".utf8)) == "{}")
    }

    @Test("days and instants count from 1970; the years 1 and 9999 are the last that are taken")
    func dates() throws {
        func date(_ days: Int32) throws -> String? { try one(builtin("date"), CopyBytes.big(days)) }
        #expect(try date(0) == "2000-01-01")
        #expect(try date(-10957) == "1970-01-01")
        #expect(try date(-730119) == "0001-01-01")
        #expect(try date(2_921_939) == "9999-12-31")
        for days in [-730120, 2_921_940, Int32.min, .max, .min + 1, .max - 1] {
            let error = try #require(try failure(builtin("date"), CopyBytes.big(Int32(days))))
            #expect(
                error.code == .specialValue && error.column == "c" && error.row == 0
                    && error.remedy?.contains("{cast: text}") == true)
            #expect(try one(builtin("date"), CopyBytes.big(Int32(days)), nullsSpecials: true) == nil)
        }
        func instant(_ time: Int64) throws -> String? { try one(builtin("timestamptz"), CopyBytes.big(time)) }
        #expect(try instant(1) == "2000-01-01 00:00:00.000001+00")
        #expect(try instant(-63_082_281_600_000_000) == "0001-01-01 00:00:00+00")
        #expect(try instant(252_455_615_999_999_999) == "9999-12-31 23:59:59.999999+00")
        for time in [-63_082_281_600_000_001, 252_455_616_000_000_000, Int64.min, .max] {
            #expect(try failure(builtin("timestamp"), CopyBytes.big(Int64(time)))?.code == .specialValue)
        }
    }

    @Test("times print as PostgreSQL prints them; 24:00:00 is a special value")
    func times() throws {
        func time(_ value: Int64) throws -> String? { try one(builtin("time"), CopyBytes.big(value)) }
        #expect(try time(0) == "00:00:00")
        #expect(try time(86_399_999_999) == "23:59:59.999999")
        #expect(try time(3_723_100_000) == "01:02:03.1")
        #expect(try time(1) == "00:00:00.000001")
        #expect(try failure(builtin("time"), CopyBytes.big(Int64(86_400_000_000)))?.reason.contains("24:00:00") == true)
        #expect(try failure(builtin("time"), CopyBytes.big(Int64(86_400_000_001)))?.code == .brokenStream)
        #expect(try failure(builtin("time"), CopyBytes.big(Int64(-1)))?.code == .brokenStream)
    }

    @Test("numerics are exact: nothing is rounded, nothing overflows unseen")
    func numerics() throws {
        func value(_ precision: Int32, _ scale: Int32, _ bytes: [UInt8]) throws -> String? {
            try one(numericType(precision, scale), bytes)
        }
        #expect(try value(5, 2, CopyBytes.numeric([], weight: 0, scale: 2)) == "0.00")
        #expect(try value(5, 2, CopyBytes.numeric([123, 4500], weight: 0, scale: 2)) == "123.45")
        #expect(try value(5, 2, CopyBytes.numeric([123, 4500], weight: 0, sign: 0x4000, scale: 2)) == "-123.45")
        #expect(try value(9, 0, CopyBytes.numeric([5], weight: 1)) == "50000")
        #expect(
            try value(38, 37, CopyBytes.numeric([9] + Array(repeating: 9999, count: 9) + [9000], weight: 0)) == "9."
                + String(repeating: "9", count: 37))
        #expect(
            try value(38, 0, CopyBytes.numeric([99] + Array(repeating: 9999, count: 9), weight: 9))
                == String(repeating: "9", count: 38))
        #expect(try value(5, 3, CopyBytes.numeric([1, 2340], weight: 0)) == "1.234")
        func reason(_ precision: Int32, _ scale: Int32, _ bytes: [UInt8]) throws -> String {
            try failure(numericType(precision, scale), bytes)?.reason ?? "taken"
        }
        #expect(try reason(5, 3, CopyBytes.numeric([1, 2345], weight: 0)).contains("fractional digits"))
        #expect(try reason(5, 3, CopyBytes.numeric([1, 0, 1], weight: 0)).contains("fractional digits"))
        #expect(try reason(5, 2, CopyBytes.numeric([1000], weight: 0)).contains("more digits"))
        #expect(
            try reason(38, 0, CopyBytes.numeric([100] + Array(repeating: 0, count: 9), weight: 9)).contains(
                "more digits"))
        #expect(try reason(38, 0, CopyBytes.numeric([1], weight: 32767)).contains("more digits"))
        #expect(
            try reason(38, 0, CopyBytes.numeric(Array(repeating: 9999, count: 300), weight: 299)).contains(
                "more digits"))
        for sign: UInt16 in [0xC000, 0xD000, 0xF000] {
            #expect(try reason(5, 2, CopyBytes.numeric([], weight: 0, sign: sign)).contains("NaN"))
            #expect(
                try one(numericType(5, 2), CopyBytes.numeric([], weight: 0, sign: sign), nullsSpecials: true) == nil)
        }
        for broken in [
            CopyBytes.numeric([10000], weight: 0), CopyBytes.numeric([-1], weight: 0),
            CopyBytes.numeric([1], weight: 0, sign: 1),
            CopyBytes.big(Int16(-1)) + [0, 0, 0, 0, 0, 0], CopyBytes.big(Int16(3)) + [0, 0, 0, 0, 0, 0], [0, 0],
        ] {
            #expect(try failure(numericType(5, 2), broken)?.code == .brokenStream)
        }
    }

    @Test("numerics agree with a plain version on seeded random digits")
    func randomNumerics() throws {
        let seed: UInt64 = 0x5eed_0001
        print("seed \(seed)")
        var random = SplitMix(state: seed)
        for _ in 0..<20_000 {
            let count = Int(random.next() % 9)
            let digits = (0..<count).map { _ in
                switch random.next() % 4 {
                case 0: Int16(0)
                case 1: Int16(random.next() % 10) * 1000
                default: Int16(random.next() % 10000)
                }
            }
            let weight = Int16(Int(random.next() % 10) - 4)
            let scale = Int(random.next() % 12)
            let precision = max(scale, 1 + Int(random.next() % 38))
            let isNegative = random.next() % 2 == 0
            let bytes = CopyBytes.numeric(digits, weight: weight, sign: isNegative ? 0x4000 : 0)
            let wanted = plain(digits, Int(weight), isNegative, precision, scale)
            let input = decoderInput(
                "c", builtin("numeric"), nullsSpecials: true, as: .decimal(precision: precision, scale: scale))
            let found = try decode([input], [CopyBytes.header + CopyBytes.tuple([bytes]), CopyBytes.trailer])[0][0]
            #expect(found == wanted, "\(digits) \(weight) as (\(precision),\(scale))")
        }
    }

    /// The value written out in decimal digits; nil where it does not fit.
    private func plain(_ digits: [Int16], _ weight: Int, _ isNegative: Bool, _ precision: Int, _ scale: Int) -> String?
    {
        func group(_ value: Int16) -> String { String(repeating: "0", count: 4 - String(value).count) + String(value) }
        var whole = ""
        var fraction = ""
        for position in stride(from: max(weight, 0), through: min(weight - digits.count + 1, -1), by: -1) {
            let index = weight - position
            let text = digits.indices.contains(index) ? group(digits[index]) : "0000"
            if position >= 0 { whole += text } else { fraction += text }
        }
        while fraction.count < scale { fraction += "0" }
        if fraction.dropFirst(scale).contains(where: { $0 != "0" }) { return nil }
        var all = whole + fraction.prefix(scale)
        while all.hasPrefix("0") { all.removeFirst() }
        if all.count > precision { return nil }
        let value = Int128(all.isEmpty ? "0" : all)!
        return CopyText.decimal(isNegative ? -value : value, scale: scale)
    }

    @Test("text is UTF-8 or refused, by column and row")
    func encodings() throws {
        for valid in [
            "", "a", "é", "€", "😀", "\u{7ff}\u{800}\u{ffff}\u{10000}\u{10ffff}",
            String(repeating: "x", count: 17) + "ß",
        ] {
            #expect(try one(builtin("text"), Array(valid.utf8)) == valid)
        }
        let broken: [[UInt8]] = [
            [0x80], [0xc0, 0x80], [0xc1, 0xbf], [0xc3], [0xe0, 0x80, 0x80], [0xe2, 0x82], [0xed, 0xa0, 0x80],
            [0xf0, 0x80, 0x80, 0x80],
            [0xf4, 0x90, 0x80, 0x80], [0xf5, 0x80, 0x80, 0x80], [0xff], [0xe2, 0x28, 0xa1],
            Array("aaaaaaaaaaaaaaa".utf8) + [0xfe],
        ]
        for bytes in broken {
            let error = try #require(try failure(builtin("text"), bytes))
            #expect(error.code == .invalidEncoding && error.column == "c" && error.row == 0)
        }
    }

    @Test("UTF-8 is judged as the standard library judges it, on seeded random bytes")
    func randomEncodings() throws {
        let seed: UInt64 = 0x5eed_0002
        print("seed \(seed)")
        var random = SplitMix(state: seed)
        for _ in 0..<50_000 {
            var bytes = Array("prefix €".utf8.prefix(Int(random.next() % 10)))
            for _ in 0..<(1 + random.next() % 5) {
                bytes.append(UInt8(truncatingIfNeeded: random.next() | (random.next() % 2) << 7))
            }
            let isValid = String(validating: bytes, as: UTF8.self) != nil
            let isTaken = try failure(builtin("text"), bytes) == nil
            #expect(isTaken == isValid)
        }
    }

    @Test("lists hold nulls, empty lists and elements; other shapes are special values")
    func lists() throws {
        let texts = PostgresType.array(oid: 1009, element: builtin("text"), name: "text[]")
        let numbers = PostgresType.array(oid: 1007, element: builtin("int4"), name: "integer[]")
        #expect(try one(texts, CopyBytes.array([])) == "{}")
        #expect(try one(texts, CopyBytes.array([Array("a b".utf8), nil, []])) == "{\"a b\",NULL,\"\"}")
        #expect(try one(numbers, CopyBytes.array([CopyBytes.big(Int32(7)), nil])) == "{7,NULL}")
        #expect(try failure(numbers, CopyBytes.array([nil], lowerBound: 0))?.code == .specialValue)
        #expect(try failure(numbers, CopyBytes.array([nil], dimensions: 2))?.code == .specialValue)
        #expect(try one(numbers, CopyBytes.array([nil], dimensions: 2), nullsSpecials: true) == nil)
        #expect(try failure(numbers, CopyBytes.array([nil], dimensions: 7))?.code == .brokenStream)
        #expect(try failure(numbers, CopyBytes.array([nil]) + [0])?.code == .brokenStream)
        #expect(
            try failure(
                numbers,
                CopyBytes.big(Int32(1)) + CopyBytes.big(Int32(0)) + CopyBytes.big(UInt32(23)) + CopyBytes.big(Int32.max)
                    + CopyBytes.big(Int32(1)))?.code == .brokenStream)
    }

    @Test("structures keep the difference between no row and a row of nulls")
    func structures() throws {
        let inner = PostgresType.composite(
            oid: 20_001, fields: [PostgresField(name: "n", type: builtin("int4"))], name: "inner")
        let outer = PostgresType.composite(
            oid: 20_002,
            fields: [PostgresField(name: "i", type: inner), PostgresField(name: "t", type: builtin("text"))],
            name: "outer")
        let many = PostgresType.array(oid: 20_003, element: outer, name: "outer[]")
        #expect(try one(outer, nil) == nil)
        #expect(try one(outer, CopyBytes.composite([nil, nil])) == "(,)")
        let full = CopyBytes.composite([CopyBytes.composite([CopyBytes.big(Int32(5))]), Array("x".utf8)])
        #expect(try one(outer, full) == "(\"(5)\",x)")
        #expect(try one(many, CopyBytes.array([full, nil])) == "{\"(\\\"(5)\\\",x)\",NULL}")
        #expect(try failure(outer, CopyBytes.composite([nil]))?.code == .brokenStream)
        // Members of a null row are null in their own columns.
        var decoder = PostgresCopyDecoder(columns: [decoderInput("c", outer)])
        try append(CopyBytes.header, to: &decoder)
        for value in [full, nil, full] { try append(CopyBytes.tuple([value]), to: &decoder) }
        guard case .structure(let members) = decoder.finishChunk().columns[0].storage else {
            Issue.record("structure")
            return
        }
        #expect(members[0].rowCount == 3 && members[0].isNull(1) && members[1].isNull(1) && members[1].nullCount == 1)
    }

    @Test(
        "chunks follow on one another; validity is kept over 63, 64 and 65 rows",
        arguments: [1, 7, 8, 9, 63, 64, 65, 129, 1000])
    func chunks(rows: Int) throws {
        let inputs = [
            decoderInput("n", builtin("int4")), decoderInput("b", builtin("bool")), decoderInput("t", builtin("text")),
        ]
        var decoder = PostgresCopyDecoder(columns: inputs)
        try append(CopyBytes.header, to: &decoder)
        for round in 0..<3 {
            for row in 0..<rows {
                let isNull = row % 3 == round
                try append(
                    CopyBytes.tuple(
                        isNull
                            ? [nil, nil, nil] : [CopyBytes.big(Int32(row)), [UInt8(row % 2)], Array("r\(row)".utf8)]),
                    to: &decoder)
            }
            let chunk = decoder.finishChunk()
            #expect(chunk.rowCount == rows && chunk.firstRow == Int64(round * rows))
            for row in 0..<rows {
                let cells = chunk.columns.map { CopyText.cell($0, row) }
                #expect(
                    cells == (row % 3 == round ? [nil, nil, nil] : ["\(row)", row % 2 == 1 ? "t" : "f", "r\(row)"]))
            }
        }
        #expect(decoder.finishChunk().rowCount == 0)
        let isComplete = decoder.isComplete
        #expect(!isComplete)
        try append(CopyBytes.trailer, to: &decoder)
        try decoder.finishStream()
    }

    @Test("special values that became NULL are counted by column")
    func counts() throws {
        let dates = PostgresType.array(oid: 1182, element: builtin("date"), name: "date[]")
        var decoder = PostgresCopyDecoder(columns: [
            decoderInput("d", builtin("date"), nullsSpecials: true),
            decoderInput("n", builtin("int4"), nullsSpecials: true),
            decoderInput("l", dates, nullsSpecials: true),
        ])
        try append(CopyBytes.header, to: &decoder)
        for days in [0, Int32.max, Int32.min] {
            try append(
                CopyBytes.tuple([
                    CopyBytes.big(days), nil, CopyBytes.array([CopyBytes.big(days), nil, CopyBytes.big(Int32.max)]),
                ]), to: &decoder)
        }
        let before = decoder.nulledSpecials
        _ = decoder.finishChunk()
        let after = decoder.nulledSpecials
        #expect(before == [2, 0, 5] && after == before)
    }

    @Test("a chunk is full by rows or by bytes")
    func fullness() throws {
        var decoder = PostgresCopyDecoder(columns: [decoderInput("t", builtin("bytea"))])
        try append(CopyBytes.header, to: &decoder)
        try append(CopyBytes.tuple([Array(repeating: 0, count: Limits.bytesPerChunk)]), to: &decoder)
        let isFullByBytes = decoder.isFull
        _ = decoder.finishChunk()
        let isFullAfter = decoder.isFull
        let row = CopyBytes.tuple([nil])
        for _ in 0..<Limits.rowsPerChunk { try append(row, to: &decoder) }
        let isFullByRows = decoder.isFull
        #expect(isFullByBytes && !isFullAfter && isFullByRows)
    }

    @Test(
        "large cells are moved out of a message that may be taken: the rows are the same, and their pages are given back"
    )
    func largeCellsAreMoved() throws {
        let inputs = [
            decoderInput("t", builtin("text")), decoderInput("s", builtin("text")),
            decoderInput("l", .array(oid: 1009, element: builtin("text"), name: "text[]")),
        ]
        let size = 4 << 20  // What the kernel calls a large cell.
        let letters = (0..<26).map { UInt8(97 + $0) }
        let texts = [size + 4321, size - 1, size].map { count in
            Array([[UInt8]](repeating: letters, count: count / 26 + 1).joined().prefix(count))
        }
        let message = CopyBytes.tuple([texts[0], Array("kept".utf8), CopyBytes.array([texts[1], texts[2]])])
        var outcomes: [[String?]] = []
        for takes in [false, true] {
            var decoder = PostgresCopyDecoder(columns: inputs, takesMessages: takes)
            try append(CopyBytes.header, to: &decoder)
            let memory = UnsafeMutableRawBufferPointer.allocate(byteCount: message.count, alignment: 1)
            defer { unsafe memory.deallocate() }
            unsafe memory.copyBytes(from: message)
            unsafe try decoder.append(row: UnsafeRawBufferPointer(memory))
            let zeros = unsafe stride(from: 0, to: memory.count, by: 256).count { unsafe memory[$0] == 0 } * 256
            // All but the ends of two cells; the one between is too small.
            #expect(takes ? zeros > 2 * size - 40_000 && zeros < 2 * size + 10_000 : zeros < 10_000)
            let chunk = decoder.finishChunk()
            outcomes.append(chunk.columns.map { CopyText.cell($0, 0) })
        }
        #expect(outcomes[0] == outcomes[1] && outcomes[0][1] == "kept")
    }

    @Test("every truncation of a stream is refused, never read past")
    func truncations() throws {
        let (inputs, stream) = sample()
        #expect(try decode(inputs, [stream]).count == 2)
        for length in 0..<stream.count {
            #expect(throws: FormatError.self, "cut to \(length) bytes") {
                _ = try decode(inputs, [Array(stream.prefix(length))])
            }
        }
        #expect(throws: FormatError.self) { _ = try decode(inputs, [stream, CopyBytes.tuple([nil])]) }
    }

    @Test("mutated streams are decoded or refused, and nothing else happens")
    func mutations() throws {
        let seed: UInt64 = 0x5eed_0003
        print("seed \(seed)")
        var random = SplitMix(state: seed)
        let (inputs, stream) = sample()
        var refused = 0
        for _ in 0..<20_000 {
            var bytes = stream
            for _ in 0..<(1 + random.next() % 4) {
                let index = Int(random.next() % UInt64(bytes.count))
                switch random.next() % 4 {
                case 0: bytes[index] = UInt8(truncatingIfNeeded: random.next())
                case 1: bytes[index] ^= 1 << UInt8(random.next() % 8)
                case 2: bytes[index] = random.next() % 2 == 0 ? 0xff : 0x7f
                default: bytes.remove(at: index)
                }
            }
            do throws(FormatError) { _ = try decode(inputs, [bytes]) } catch { refused += 1 }
        }
        #expect(refused > 10_000)
    }

    /// Two rows of every kind of column.
    private func sample() -> ([PostgresCopyDecoder.Input], [UInt8]) {
        let pair = PostgresType.composite(
            oid: 20_001,
            fields: [PostgresField(name: "a", type: builtin("int8")), PostgresField(name: "b", type: builtin("text"))],
            name: "pair")
        let columns: [(PostgresType, [UInt8])] = [
            (builtin("bool"), [1]), (builtin("int2"), CopyBytes.big(Int16(3))),
            (builtin("int4"), CopyBytes.big(Int32(-3))),
            (builtin("oid"), CopyBytes.big(UInt32(9))), (builtin("float8"), CopyBytes.big((1.5).bitPattern)),
            (numericType(10, 2), CopyBytes.numeric([12, 3400], weight: 0, scale: 2)),
            (builtin("text"), Array("€uro".utf8)),
            (builtin("jsonb"), [1] + Array("{}".utf8)), (builtin("bytea"), [1, 2]), (builtin("uuid"), Array(1...16)),
            (builtin("date"), CopyBytes.big(Int32(1))), (builtin("timestamptz"), CopyBytes.big(Int64(1))),
            (builtin("time"), CopyBytes.big(Int64(1))),
            (
                .array(oid: 1007, element: builtin("int4"), name: "integer[]"),
                CopyBytes.array([CopyBytes.big(Int32(1)), nil])
            ),
            (pair, CopyBytes.composite([CopyBytes.big(Int64(1)), nil])),
            (
                .array(oid: 20_002, element: pair, name: "pair[]"),
                CopyBytes.array([CopyBytes.composite([nil, Array("x".utf8)])])
            ),
        ]
        let inputs = columns.enumerated().map { decoderInput("c\($0)", $1.0) }
        return (
            inputs,
            CopyBytes.header + CopyBytes.tuple(columns.map(\.1)) + CopyBytes.tuple(columns.map { _ in nil })
                + CopyBytes.trailer
        )
    }
}

/// SplitMix64: small, seeded, the same everywhere.
struct SplitMix {
    var state: UInt64

    mutating func next() -> UInt64 {
        state &+= 0x9e37_79b9_7f4a_7c15
        var z = state
        z = (z ^ z >> 30) &* 0xbf58_476d_1ce4_e5b9
        z = (z ^ z >> 27) &* 0x94d0_49bb_1331_11eb
        return z ^ z >> 31
    }
}
