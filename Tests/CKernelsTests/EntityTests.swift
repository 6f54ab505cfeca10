import CKernels
import Foundation
import Testing

extension KernelTests {
    /// The search in columns gives what the search of each row gives, at every level.
    @Suite("identifiers in columns")
    struct EntityTests {
        /// Identifiers, what they are made of, what is like them, and what stands around them.
        private static let pieces: [String] = [
            " ", "  ", "-", ".", "/", "(", ")", "+", "((", "+(", "\u{a0}", " - ", ":", "::", ":::", "@", "a", "de",
            "DE",
            "DE89", "de 8 9", "GB", "f", "b", "\\n", "\\b", "\\", "_", "1", "12", "123", "1234", "12345", "2020-04-16",
            "11:34:35", "1234 5678 9012", "1234-5678-9012-3456", "4111 1111 1111 1111", "4111111111111111",
            "219-09-4563",
            "219 09 4563", "ssn ", "card ", "phone ", "tel", "203.0.113.177", "1.2.3.4", "10.", "2001:db8::1", "fe80::",
            "::1", "abcd:abcd:abcd:abcd:abcd:abcd:abcd:abcd", "1:2:3:4:5:6:1.2.3.4",
            "1111:2222:3333:4444:5555:6666:7777::",
            "255.255.255.255", "DE89370400440532013000", "DE89 3704 0044 0532 0130 00", "NO9386011117947",
            "GB82WEST12345698765432", "GB 82-WEST 1234-5698 7654 32", "anna@b.org", "x@y.", "a.b+c@mail.example.com",
            "ötv@példa.hu", "+1 415 555 0199", "(415) 555-0199", "+36 (30) 123 45 67", "0036301234567",
            "06 30 123 4567",
            "+(1)\u{a0}(2)\u{a0}(3)\u{a0}(4)\u{a0}(5)\u{a0}(6)\u{a0}(7)\u{a0}(8)", "345-899-3560x4587", " ext. 12",
            "call ",
            "lorem ipsum dolor ", "the quick brown fox jumps ", "in ", "at ", "room ", " pm", "%", "$", "#", ",",
            "1,234,567", "x", "é", "\n",
        ]
        private static let alphabet = Array("0123456789 -.:/()+@aAfFxXnDE\\_".utf8) + [0xc2, 0xa0, 0xc3]

        /// - Parameter ordinary: of four pieces, how many are ordinary words.
        private static func text(_ length: Int, ordinary: Int, bytewise: Bool, _ random: inout Seeded) -> [UInt8] {
            var text: [UInt8] = []
            while text.count < length {
                if bytewise {
                    text.append(alphabet.randomElement(using: &random)!)
                } else if Int.random(in: 0..<4, using: &random) < ordinary {
                    for _ in 0..<Int.random(in: 1...30, using: &random) {
                        text.append(
                            UInt8.random(in: 0..<6, using: &random) == 0
                                ? 0x20 : UInt8.random(in: 0x61...0x7a, using: &random))
                    }
                } else {
                    let piece = Array(pieces.randomElement(using: &random)!.utf8)
                    let whole = Int.random(in: 0..<20, using: &random) > 0
                    text += piece.prefix(whole ? piece.count : Int.random(in: 0...piece.count, using: &random))
                }
            }
            return Array(text.prefix(length))
        }

        private static func column(_ texts: [[UInt8]], firstOffset: Int = 0, nulls: Set<Int>? = nil) -> ColumnFixture {
            var random = Seeded(UInt64(texts.count))
            var column = ColumnFixture(
                lengths: texts.map(\.count), nulls: nulls, firstOffset: firstOffset, random: &random)
            column.bytes = (0..<firstOffset).map { UInt8(0x30 + $0 % 12) } + texts.flatMap { $0 }
            return column
        }

        /// Row, start, end and kind, four numbers a finding.
        private static func rowByRow(_ column: ColumnFixture, _ wanted: UInt32) -> [UInt32] {
            (0..<column.rowCount).filter(column.isValid).flatMap { row -> [UInt32] in
                let text = column.value(row)
                let room = text.count / 4 + 1
                let found = unsafe [kernel_entity](unsafeUninitializedCapacity: room) { target, count in
                    unsafe count = kernel_find_entities(text, text.count, wanted, target.baseAddress!, room)
                }
                return found.flatMap { [UInt32(row), $0.start, $0.end, $0.kind] }
            }
        }

        /// Over bytes that end `distance` before a protected page.
        private static func inColumn(_ column: ColumnFixture, _ wanted: UInt32, distance: Int, capacity: Int)
            -> [UInt32]
        {
            let bytes = ProtectedBytes(column.bytes, distance: distance)
            var count = 0
            let found = unsafe [kernel_row_entity](unsafeUninitializedCapacity: capacity) { target, written in
                unsafe count = kernel_find_entities_i32(
                    bytes.start, column.offsets, column.validity, column.rowCount, wanted, target.baseAddress, capacity)
                written = min(count, capacity)
            }
            #expect(count <= capacity)
            return found.flatMap { [$0.row, $0.start, $0.end, $0.kind] }
        }

        private static func check(
            _ column: ColumnFixture, _ wanted: UInt32, distance: Int = 0, _ what: @autoclosure () -> String
        ) {
            let expected = rowByRow(column, wanted)
            atEachLevel { level in
                let found = inColumn(column, wanted, distance: distance, capacity: expected.count / 4 + 1)
                #expect(found == expected, "\(level), kinds \(wanted), \(what())")
            }
        }

        @Test(
            "random columns: 0 to 40 rows, all kinds and some, with nulls, at every distance from the end of the memory"
        )
        func randomColumns() {
            var random = Seeded(UInt64.random(in: .min ... .max))
            print("identifiers in columns: seed \(random.seed)")
            var findings = 0
            for turn in 0..<600 {
                let ordinary = Int.random(in: 0..<4, using: &random)
                let bytewise = turn % 6 == 0
                let longest = turn % 5 == 0 ? 1_500 : 100
                let texts = (0..<(turn % 41)).map { _ in
                    let length =
                        Int.random(in: 0..<8, using: &random) == 0 ? 0 : Int.random(in: 0..<longest, using: &random)
                    return Self.text(length, ordinary: ordinary, bytewise: bytewise, &random)
                }
                let nulls = turn % 3 == 0 ? Set(texts.indices.filter { _ in Bool.random(using: &random) }) : nil
                let column = Self.column(texts, firstOffset: turn % 4 == 0 ? turn % 100 : 0, nulls: nulls)
                let wanted = turn % 2 == 0 ? 63 : UInt32.random(in: 0...63, using: &random)
                Self.check(column, wanted, distance: turn % 67, "turn \(turn), seed \(random.seed)")
                findings += Self.rowByRow(column, wanted).count / 4
            }
            #expect(findings > 5_000)
        }

        @Test(
            "every identifier at every place of a block, alone in its row, with rows that touch it, and in one long row"
        )
        func everyPlace() {
            for piece in Self.pieces where piece.utf8.count >= 7 {
                for shift in 0..<130 {
                    let before = [UInt8](repeating: 0x37, count: shift)
                    let blank = [UInt8](repeating: 0x20, count: shift)
                    let own = Array(piece.utf8)
                    let behind = Array("99 later".utf8)
                    Self.check(
                        Self.column([before, own, behind]), 63, "\(piece) behind \(shift) digits in another row")
                    Self.check(
                        Self.column([blank + own + behind.dropFirst(2)]), 63, distance: shift % 3,
                        "\(piece) at \(shift)")
                }
            }
        }

        @Test("rows of a mebibyte, longer than what is scanned at a time, and rows of one byte")
        func longAndShortRows() {
            var random = Seeded(UInt64.random(in: .min ... .max))
            print("identifiers in long rows: seed \(random.seed)")
            let long = [40_000, 1 << 20, 16_384, 16_383, 70_000].map {
                Self.text($0, ordinary: 3, bytewise: false, &random)
            }
            Self.check(Self.column(long, firstOffset: 7), 63, "long rows, seed \(random.seed)")
            let quiet = [UInt8](repeating: 0x61, count: 100_000)
            Self.check(Self.column([quiet + Array(" anna@b.org".utf8), quiet, Array("@b.org".utf8)]), 63, "far ahead")
            let short = Self.text(20_000, ordinary: 1, bytewise: false, &random).map { [$0] }
            Self.check(Self.column(short), 63, "rows of one byte, seed \(random.seed)")
        }

        private static let sentenceFile =
            VectorFile.folder.deletingLastPathComponent().path + "/data/pii-presidio-synth/synth_dataset_v2.json.gz"

        @Test(
            "sentences of the evaluation set as rows, as one row, and as the file has them",
            .enabled(if: FileManager.default.fileExists(atPath: sentenceFile), "the shared test data is not here"))
        func sentences() throws {
            let process = Process()
            let pipe = Pipe()
            process.executableURL = URL(filePath: "/bin/gzip")
            process.arguments = ["--decompress", "--stdout", Self.sentenceFile]
            process.standardOutput = pipe
            try process.run()
            let data = try pipe.fileHandleForReading.readToEnd() ?? Data()
            process.waitUntilExit()
            let list = try #require(JSONSerialization.jsonObject(with: data) as? [[String: Any]])
            let texts = list.map { Array(($0["full_text"] as? String ?? "").utf8) }
            Self.check(Self.column(texts), 63, "sentences")
            Self.check(Self.column([Array(texts.joined(separator: [0x20]))]), 63, "one row")
            Self.check(Self.column([Array(data)]), 63, "JSON")
        }

        @Test("with too little room the first findings are written, and all are counted")
        func room() {
            let column = Self.column([Array("a@b.org c@d.org".utf8), Array("e@f.org".utf8)])
            var found = [kernel_row_entity](repeating: kernel_row_entity(), count: 3)
            let count = unsafe kernel_find_entities_i32(column.bytes, column.offsets, nil, 2, 63, &found, 2)
            #expect(count == 3)
            #expect(found.map(\.row) == [0, 0, 0])
            #expect(found.map(\.end) == [7, 15, 0])
            #expect(unsafe kernel_find_entities_i32(nil, [0], nil, 0, 63, nil, 0) == 0)
        }

        @Test("ordinary text with numbers, times and dates shows few places to look at")
        func fewCandidates() {
            let note =
                "Seen at 11:34 on 3 May in room 204: 12.5 mg for 10 days, 120/80, aged 67, since 2019; page 5 of 12. "
            let text = Array(String(repeating: note, count: 40).utf8)
            let words = (text.count + 63) / 64
            let starts = [UInt64](repeating: 0, count: words)
            atEachLevel { level in
                var out = [UInt64](repeating: ~0, count: words)
                unsafe kernel_entity_candidates(text, text.count, starts, 63, &out)
                let count = out.reduce(0) { $0 + $1.nonzeroBitCount }
                #expect(count <= 160, "\(level): \(count)")
            }
        }
    }
}
