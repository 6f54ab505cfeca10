import Dispatch
import Foundation
import Glibc
import Testing

@testable import Telemetry

@Suite("The log")
struct LogTests {
    /// Every `write` arrives as a datagram of its own.
    private final class Lines {
        private var pair: [Int32] = [0, 0]
        var descriptor: Int32 { pair[0] }

        init() { unsafe precondition(socketpair(AF_UNIX, Int32(SOCK_DGRAM.rawValue), 0, &pair) == 0) }
        deinit { for end in pair { close(end) } }

        func next() -> String? {
            var bytes = [UInt8](repeating: 0, count: 64 << 10)
            let count = unsafe recv(pair[1], &bytes, bytes.count, Int32(MSG_DONTWAIT))
            return count < 0 ? nil : String(decoding: bytes[..<count], as: UTF8.self)
        }
    }

    private static let at: @Sendable () -> Int64 = { 1_795_725_660_123 }

    @Test("writes a line for people in one write")
    func text() {
        let lines = Lines()
        let log = Log(.text, descriptor: lines.descriptor, now: Self.at).with(["run": .name("r-7")])
        log.info("shard granted", ["table": .name("public.orders"), "rows": .count(12)])
        log.error("no space", ["share": .measure(0.5), "why": .name("two words"), "none": .name("")])
        log.warning("slow")
        #expect(lines.next() == "2026-11-26T20:41:00.123Z info  shard granted run=r-7 table=public.orders rows=12\n")
        #expect(
            lines.next() == "2026-11-26T20:41:00.123Z error no space run=r-7 share=0.5 why=\"two words\" none=\"\"\n")
        #expect(lines.next() == "2026-11-26T20:41:00.123Z warning slow run=r-7\n")
        #expect(lines.next() == nil)
    }

    @Test("writes an object for machines in one write, its keys in order")
    func json() {
        let lines = Lines()
        let log = Log(.json, descriptor: lines.descriptor, now: Self.at).with(["run": .name("r-7")])
        log.info("say \"ok\"", ["table": .name("a\nb"), "rows": .count(-1), "share": .measure(.nan)])
        #expect(
            lines.next()
                == #"{"at":"2026-11-26T20:41:00.123Z","level":"info","message":"say \"ok\"","rows":-1,"run":"r-7","#
                + #""share":null,"table":"a\u000ab"}"# + "\n")
    }

    @Test("leaves out what is below its level; a later pair replaces an earlier one")
    func levels() {
        let lines = Lines()
        let log = Log(.text, from: .warning, descriptor: lines.descriptor, now: Self.at)
        log.debug("a")
        log.info("b")
        log.with(["x": .count(1), "y": .count(2)]).with(["x": .count(3)]).warning("c", ["y": .count(4)])
        #expect(lines.next() == "2026-11-26T20:41:00.123Z warning c x=3 y=4\n")
        #expect(lines.next() == nil)
    }

    static let hostile = [
        "a\nb", "a\r\nb", "\u{1b}[31mred", "\u{9b}31m", "\u{0}", "\"", "\\", "\\n", "a=b level=error", "{}", "\u{2028}",
        "\u{2029}", "\u{85}", "\u{202e}txt", "\u{feff}", "\u{e0041}", "\u{7f}", "ü", "🙂", "\u{10ffff}", "\t", "'",
        "`id`",
    ]

    /// What a line may not hold inside.
    private func showsOnOneLine(_ line: String) -> Bool {
        line.hasSuffix("\n")
            && line.unicodeScalars.dropLast().allSatisfy { scalar in
                ![.control, .format, .lineSeparator, .paragraphSeparator].contains(scalar.properties.generalCategory)
            }
    }

    private func readBack(_ value: String) throws -> String? {
        let line = LogLine(level: .info, message: "m", metadata: [("v", .name(value))], milliseconds: 0).text(.json)
        #expect(showsOnOneLine(line))
        let object = try JSONSerialization.jsonObject(with: Data(line.utf8)) as? [String: Any]
        #expect(object?.count == 4 && object?["level"] as? String == "info")
        return object?["v"] as? String
    }

    @Test("a value stays a value", arguments: hostile)
    func escapes(value: String) throws {
        #expect(try readBack(value).map { Array($0.unicodeScalars) } == Array(value.unicodeScalars))
        let prefix = "1970-01-01T00:00:00.000Z info  m v="
        let line = LogLine(level: .info, message: "m", metadata: [("v", .name(value))], milliseconds: 0).text(.text)
        #expect(showsOnOneLine(line) && line.hasPrefix(prefix + "\""), "quoted")
        // The quoted form is JSON's.
        let quoted = try JSONDecoder().decode(String.self, from: Data(line.dropFirst(prefix.count).utf8))
        #expect(Array(quoted.unicodeScalars) == Array(value.unicodeScalars))
    }

    @Test("random texts come back from JSON")
    func randomTexts() throws {
        let seed = UInt64.random(in: 0 ... .max)
        var generator = Dice(seed)
        for _ in 0..<300 {
            var text = String.UnicodeScalarView()
            for _ in 0..<Int.random(in: 0...40, using: &generator) {
                let top: UInt32 = Bool.random(using: &generator) ? 0x100 : 0x110000
                if let scalar = Unicode.Scalar(UInt32.random(in: 0..<top, using: &generator)) { text.append(scalar) }
            }
            #expect(try readBack(String(text)).map { Array($0.unicodeScalars) } == Array(text), "seed \(seed)")
        }
    }

    @Test("a long value is cut")
    func long() throws {
        let value = String(repeating: "a", count: 256)
        #expect(try readBack(value) == value)
        #expect(try readBack(value + "b") == value + "…")
        let line = LogLine(level: .info, message: "m", metadata: [("v", .name(value + "b"))], milliseconds: 0)
        #expect(line.text(.text).hasSuffix("v=\"\(value)…\"\n"))
    }

    @Test("times have three digits of a second, also before leap days")
    func times() {
        #expect(LogLine.time(0) == "1970-01-01T00:00:00.000Z")
        #expect(LogLine.time(951_782_399_999) == "2000-02-28T23:59:59.999Z")
        #expect(LogLine.time(951_782_400_007) == "2000-02-29T00:00:00.007Z")
        #expect(LogLine.time(4_102_444_800_010) == "2100-01-01T00:00:00.010Z")
        #expect(abs(Log.systemTime() - Int64(Date().timeIntervalSince1970 * 1000)) < 10_000)
    }

    @Test("lines of many threads stay whole")
    func threads() throws {
        let file = FileManager.default.temporaryDirectory.appending(path: "log-\(UUID().uuidString)")
        let descriptor = open(file.path, O_CREAT | O_WRONLY | O_APPEND, 0o600)
        defer {
            close(descriptor)
            try? FileManager.default.removeItem(at: file)
        }
        let log = Log(.json, descriptor: descriptor)
        DispatchQueue.concurrentPerform(iterations: 8) { thread in
            let own = log.with(["thread": .count(thread)])
            for number in 0..<100 {
                own.info("line", ["number": .count(number), "filling": .name(String(repeating: "a", count: 200))])
            }
        }
        let lines = try String(contentsOf: file, encoding: .utf8).split(separator: "\n")
        let seen = try lines.map { line in
            let object = try JSONSerialization.jsonObject(with: Data(line.utf8)) as? [String: Any]
            return try [#require(object?["thread"] as? Int), #require(object?["number"] as? Int)]
        }
        #expect(lines.count == 800 && Set(seen).count == 800)
        #expect(seen.filter { $0[0] == 3 }.map { $0[1] } == Array(0..<100), "a thread's lines keep their order")
    }

    @Test("what cannot be written is dropped")
    func noDescriptor() {
        Log(.text, descriptor: -1).error("nobody hears this")
        let lines = Lines()
        let log = Log(.text, descriptor: lines.descriptor, now: Self.at)
        log.info("but this")
        #expect(lines.next() == "2026-11-26T20:41:00.123Z info  but this\n")
    }
}

/// The same numbers for the same seed everywhere: Steele and Vigna's SplitMix64.
struct Dice: RandomNumberGenerator {
    private var state: UInt64

    init(_ seed: UInt64) { state = seed }

    mutating func next() -> UInt64 {
        state &+= 0x9e37_79b9_7f4a_7c15
        var word = state
        word = (word ^ word >> 30) &* 0xbf58_476d_1ce4_e5b9
        word = (word ^ word >> 27) &* 0x94d0_49bb_1331_11eb
        return word ^ word >> 31
    }
}
