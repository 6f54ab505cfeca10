import Foundation
import Model
import Testing

@testable import Document

/// Damaged documents: the reader neither crashes nor hangs, and always says something useful.
@Suite struct FuzzTests {
    @Test("a damaged document gives a pipeline, or problems at places that exist")
    func mutations() {
        let seed =
            ProcessInfo.processInfo.environment["ETL_SEED"].flatMap(UInt64.init) ?? UInt64.random(in: 0...UInt64.max)
        print("seed of damaged documents: \(seed) (ETL_SEED)")
        var random = SplitMix(state: seed)
        let original = Array(Fixture.example.utf8)
        for round in 0..<3_000 {
            var bytes = original
            for _ in 0...Int.random(in: 0..<4, using: &random) { damage(&bytes, &random) }
            let text = String(decoding: bytes, as: UTF8.self)
            check(text, "round \(round), seed \(seed)")
        }
    }

    private func damage(_ bytes: inout [UInt8], _ random: inout SplitMix) {
        let place = Int.random(in: 0..<max(bytes.count, 1), using: &random)
        let alphabet = Array(" \n\t:-{}[],\"'#&*!|>%@`?$~\\<=\0\r0aé".utf8)
        switch Int.random(in: 0..<6, using: &random) {
        case 0 where place < bytes.count: bytes.remove(at: place)
        case 1: bytes.insert(alphabet.randomElement(using: &random) ?? 32, at: place)
        case 2 where place < bytes.count: bytes[place] = alphabet.randomElement(using: &random) ?? 32
        case 3 where place < bytes.count: bytes[place] ^= 1 << UInt8.random(in: 0..<8, using: &random)
        case 4:
            let length = Int.random(in: 0..<80, using: &random)
            bytes.removeSubrange(place..<min(place + length, bytes.count))
        default:
            // A piece of the document once more, somewhere else.
            let start = Int.random(in: 0..<max(bytes.count, 1), using: &random)
            let end = min(start + Int.random(in: 0..<120, using: &random), bytes.count)
            bytes.insert(contentsOf: bytes[min(start, end)..<end], at: place)
        }
    }

    private func check(_ text: String, _ what: String) {
        let reading = Fixture.examine(text)
        let errors = reading.problems.filter { $0.severity == .error }
        guard (reading.pipeline == nil) == !errors.isEmpty else {
            Issue.record("\(what): neither pipeline nor problem")
            return
        }
        let scalars = Array(text.unicodeScalars)
        var columns = [0]
        for (index, scalar) in scalars.enumerated() {
            let isPair = scalar == "\n" && index > 0 && scalars[index - 1] == "\r"
            if scalar == "\n" || scalar == "\r" {
                if !isPair { columns.append(0) }
            } else {
                columns[columns.count - 1] += 1
            }
        }
        for problem in reading.problems {
            guard let position = problem.position, (1...columns.count).contains(position.line),
                (1...columns[position.line - 1] + 1).contains(position.column)
            else {
                Issue.record("\(what): \(problem) is not inside the document")
                return
            }
            if problem.description.contains(Fixture.canary) { Issue.record("\(what): a secret in a message") }
        }
    }

    @Test("towers of brackets, indents and aliases end soon")
    func towers() {
        let tower = String(repeating: "[", count: 200_000)
        #expect(Fixture.examine("a: " + tower).pipeline == nil)
        #expect(Fixture.examine(String(repeating: "- ", count: 200_000)).pipeline == nil)
        #expect(Fixture.examine(String(repeating: "{a: ", count: 100_000)).pipeline == nil)
        #expect(Fixture.examine(String(repeating: "? ", count: 100_000)).pipeline == nil)
        var laughs = "a0: &a0 [x]\n"
        for level in 1..<30 {
            laughs += "a\(level): &a\(level) [" + (0..<9).map { _ in "*a\(level - 1)" }.joined(separator: ", ") + "]\n"
        }
        #expect(Fixture.examine(laughs + "? *a29\n: x\n").problems.first?.found == "anchors and aliases (& and *)")
    }

    @Test("a nested document is read on a small stack")
    func smallStack() {
        let brackets = "a: " + String(repeating: "[", count: 990) + String(repeating: "]", count: 990)
        var indents = ""
        for level in 0..<990 {
            let indent = String(repeating: " ", count: level)
            indents += "\(indent)a:\n\(indent)-"
            indents += "\n"
        }
        let lists = (0..<990).map { String(repeating: " ", count: 2 * $0) + "- a:\n" }.joined()
        let texts = [brackets, indents, lists]
        let isDone = DispatchSemaphore(value: 0)
        let thread = Thread {
            for text in texts { _ = Fixture.examine(text) }
            isDone.signal()
        }
        thread.stackSize = 256 << 10
        thread.start()
        #expect(isDone.wait(timeout: .now() + .seconds(60)) == .success)
    }
}

/// SplitMix64, so that a seed gives the same documents everywhere.
struct SplitMix: RandomNumberGenerator {
    var state: UInt64

    mutating func next() -> UInt64 {
        state &+= 0x9E37_79B9_7F4A_7C15
        var z = state
        z = (z ^ (z >> 30)) &* 0xBF58_476D_1CE4_E5B9
        z = (z ^ (z >> 27)) &* 0x94D0_49BB_1331_11EB
        return z ^ (z >> 31)
    }
}
