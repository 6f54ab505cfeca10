import Foundation

/// A column that lives as long as the program.
final class BenchmarkColumn: @unchecked Sendable {  // written in `init` only
    let rows: Int
    let bytes: UnsafeMutablePointer<UInt8>
    let offsets: UnsafeMutablePointer<Int32>

    /// `rows` values of `width` bytes, each byte from `alphabet`.
    init(rows: Int, width: Int, alphabet: [UInt8]) {
        self.rows = rows
        bytes = .allocate(capacity: rows * width)
        offsets = .allocate(capacity: rows + 1)
        var state: UInt64 = 0x9E37_79B9_7F4A_7C15
        for i in 0..<(rows * width) {
            state = state &* 6_364_136_223_846_793_005 &+ 1_442_695_040_888_963_407
            bytes[i] = alphabet[Int(state >> 33) % alphabet.count]
        }
        for i in 0...rows { offsets[i] = Int32(i * width) }
    }

    deinit {
        bytes.deallocate()
        offsets.deallocate()
    }
}

/// Space for results, as large as the largest.
func space(_ count: Int) -> UnsafeMutablePointer<UInt8> {
    let bytes = UnsafeMutablePointer<UInt8>.allocate(capacity: count)
    bytes.initialize(repeating: 0, count: count)
    return bytes
}

func machineName() -> String {
    guard let file = try? String(contentsOfFile: "/proc/cpuinfo", encoding: .utf8) else { return "unknown" }
    let fields = ["model name", "cpu family", "model\t", "stepping"].compactMap { field in
        file.split(separator: "\n").first { $0.hasPrefix(field) }?.split(separator: ":").last.map {
            $0.trimmingCharacters(in: .whitespaces)
        }
    }
    return fields.joined(separator: " / ")
}
