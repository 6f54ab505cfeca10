import CKernels
import Foundation

/// Rows of prose, 50 to 300 bytes each, some with an identifier, some with an ordinary number or date.
private final class Prose: @unchecked Sendable {  // written in `init` only
    private static let words = """
        patient reports mild pain in the left knee after walking and was advised to rest with ice no fever or swelling seen by \
        Dr. Kovacs follow-up planned medication continued unchanged blood pressure normal, denies chest discomfort. Family \
        history of diabetes is noted; allergies: none known. Discussed options for physical therapy at home she agrees plan as \
        above. Return if symptoms worsen
        """.split(separator: " ").map { Array($0.utf8) }
    private static let numbers = [
        "on 2020-04-16", "at 11:34", "3 pm", "12.5 mg", "in 2019", "120/80 mmHg", "for 10 days", "room 204",
        "04/16/2020",
        "2 x 500 mg", "37.2 C", "aged 67", "Dec 3, 2018",
    ].map { Array($0.utf8) }
    private static let identifiers = [
        "anna.b@example.org", "+1 415 555 0199", "(415) 555-0199", "4111 1111 1111 1111", "219-09-4563",
        "DE89 3704 0044 0532 0130 00", "203.0.113.177", "2001:db8::1",
    ].map { Array($0.utf8) }
    static let kibibytes = 4096

    let name: String
    private(set) var bytes: [UInt8] = []
    private(set) var offsets: [Int32] = [0]
    /// A bit for each byte, 1 where a row begins.
    private(set) var starts: [UInt64]
    /// The first row that begins at or behind each KiB.
    private(set) var rowAt: [Int] = []

    /// `hits` and `numbered`: rows of a hundred with an identifier, and with an ordinary number.
    init(_ name: String, hits: Int, numbered: Int) {
        self.name = name
        var state: UInt64 = 42
        func random(_ limit: Int) -> Int {
            state = state &* 6_364_136_223_846_793_005 &+ 1_442_695_040_888_963_407
            return Int(state >> 33) % limit
        }
        starts = [UInt64](repeating: 0, count: 16 * Self.kibibytes + 16)
        while bytes.count < 1024 * Self.kibibytes {
            starts[bytes.count / 64] |= 1 << UInt64(bytes.count % 64)
            let start = bytes.count
            let length = 50 + random(250)
            var extra: [(Int, [UInt8])] = []
            if random(100) < hits { extra.append((random(length), Self.identifiers[random(8)])) }
            if random(100) < numbered { extra.append((random(length), Self.numbers[random(13)])) }
            while bytes.count - start < length {
                let due = extra.firstIndex { $0.0 <= bytes.count - start }
                bytes += due.map { extra.remove(at: $0).1 } ?? Self.words[random(Self.words.count)]
                bytes.append(0x20)
            }
            offsets.append(Int32(bytes.count))
        }
        var row = 0
        for place in 0...Self.kibibytes {
            while row + 1 < offsets.count - 1, Int(offsets[row]) < 1024 * place { row += 1 }
            rowAt.append(row)
        }
    }
}

/// The search for identifiers in free text: the scan alone, and the search of six kinds, beside a copy. A value is a KiB of text.
final class TextScan {
    private let texts = [
        Prose("no hits", hits: 0, numbered: 0), Prose("5 % hits", hits: 5, numbered: 0),
        Prose("5 % + numbers", hits: 5, numbered: 100), Prose("all hit", hits: 100, numbered: 0),
    ]
    private let slice = 256
    private var found = [kernel_row_entity](repeating: kernel_row_entity(), count: 1 << 17)
    private var candidates = [UInt64](repeating: 0, count: 16 * 256)
    private var target = [UInt8](repeating: 0, count: 1024 * 256)

    private func place(_ first: Int, _ count: Int) -> Int { first % (Prose.kibibytes - count) }

    private func search(_ text: Prose, _ first: Int, _ count: Int) -> Int {
        let row = text.rowAt[first]
        let rows = text.rowAt[first + count] - row
        return text.offsets.withUnsafeBufferPointer {
            kernel_find_entities_i32(text.bytes, $0.baseAddress! + row, nil, rows, 63, &found, found.count)
        }
    }

    private func scan(_ text: Prose, _ first: Int, _ count: Int) {
        text.bytes.withUnsafeBufferPointer { bytes in
            text.starts.withUnsafeBufferPointer { starts in
                for kibibyte in stride(from: first, to: first + count, by: 16) {
                    let here = min(16, first + count - kibibyte)
                    kernel_entity_candidates(
                        bytes.baseAddress! + 1024 * kibibyte, 1024 * here, starts.baseAddress! + 16 * kibibyte, 63,
                        &candidates)
                }
            }
        }
    }

    /// The plain version: each row by itself, every position looked at.
    private func rowByRow(_ text: Prose, _ first: Int, _ count: Int) -> [kernel_row_entity] {
        var result: [kernel_row_entity] = []
        var own = [kernel_entity](repeating: kernel_entity(), count: 512)
        text.bytes.withUnsafeBufferPointer { bytes in
            for row in text.rowAt[first]..<text.rowAt[first + count] {
                let start = Int(text.offsets[row])
                let length = Int(text.offsets[row + 1]) - start
                let count = kernel_find_entities(bytes.baseAddress! + start, length, 63, &own, own.count)
                for entity in own.prefix(count) {
                    result.append(
                        kernel_row_entity(
                            row: UInt32(row - text.rowAt[first]), start: entity.start, end: entity.end,
                            kind: entity.kind))
                }
            }
        }
        return result
    }

    func contestants(_ levels: [String]) -> [Contestant] {
        var list = [
            Contestant(name: "KiB copied", level: "memcpy", count: slice) { [self] first, count in
                texts[0].bytes.withUnsafeBytes { source in
                    target.withUnsafeMutableBytes {
                        $0.baseAddress!.copyMemory(
                            from: source.baseAddress! + 1024 * place(first, count), byteCount: 1024 * count)
                    }
                }
            }
        ]
        for text in texts {
            list.append(
                Contestant(name: "KiB found, \(text.name)", level: "row by row", count: 16) { [self] first, count in
                    _ = rowByRow(text, place(first, count), count)
                })
            for level in levels {
                let prepare: () -> Void = { kernel_force_level(level) }
                list.append(
                    Contestant(name: "KiB scan, \(text.name)", level: level, count: slice, prepare: prepare) {
                        [self] first, count in
                        scan(text, place(first, count), count)
                    })
                list.append(
                    Contestant(name: "KiB found, \(text.name)", level: level, count: slice, prepare: prepare) {
                        [self] first, count in
                        _ = search(text, place(first, count), count)
                    })
            }
        }
        return list
    }

    /// Names of text and level that disagree with the plain version.
    func disagreements(_ levels: [String]) -> [String] {
        texts.flatMap { text in
            let expected = rowByRow(text, 0, slice)
            return levels.filter { level in
                kernel_force_level(level)
                let count = search(text, 0, slice)
                return count != expected.count
                    || !zip(found, expected).allSatisfy {
                        $0.row == $1.row && $0.start == $1.start && $0.end == $1.end && $0.kind == $1.kind
                    }
            }.map { "text scan, \(text.name), \($0)" }
        }
    }
}
