import Foundation

/// Machine code of a translation unit that may use legacy-encoded 128-bit vector instructions only, as objdump lists it.
enum LegacyCode {
    /// What is wrong with a listing (`objdump --disassemble --reloc --no-show-raw-insn`): a wide register, an instruction that
    /// would leave one dirty, or a function whose SHA or AES instructions come before the upper halves were cleared.
    static func problems(in listing: String) -> [String] {
        var problems: [String] = []
        var function = ""
        var hasCleared = false
        var hasRun = false
        for line in listing.split(separator: "\n") {
            if line.hasSuffix(">:"), let name = line.split(separator: " ").last {
                function = String(name.dropFirst().dropLast(2))
                (hasCleared, hasRun) = (false, false)
            } else if line.contains("cpu_clear_upper_halves") || line.contains("vzeroupper") {
                hasCleared = true
            } else if let word = instruction(line) {
                if line.contains("%ymm") || line.contains("%zmm") {
                    problems.append("\(function): a wide register, \(word)")
                }
                if word.hasPrefix("v") { problems.append("\(function): \(word) is not legacy-encoded") }
                if word.hasPrefix("sha256") || word.hasPrefix("aes"), !hasCleared, !hasRun {
                    problems.append("\(function): \(word) before the upper halves are cleared")
                    hasRun = true
                }
            }
        }
        return problems
    }

    /// How many SHA and AES instructions there are.
    static func count(in listing: String) -> Int {
        listing.split(separator: "\n").compactMap(instruction).count { $0.hasPrefix("sha256") || $0.hasPrefix("aes") }
    }

    /// The mnemonic of `  1a: paddd …`; nil for other lines, relocations among them.
    private static func instruction(_ line: Substring) -> Substring? {
        let words = line.split(whereSeparator: { $0 == " " || $0 == "\t" })
        guard words.count > 1, words[0].hasSuffix(":"), !words[1].hasPrefix("R_") else { return nil }
        return words[1]
    }

    static let disassembler = ["/usr/bin/objdump", "/usr/local/bin/objdump"].first {
        FileManager.default.isExecutableFile(atPath: $0)
    }

    /// The compiled file of this build; nil where it is not beside the tests.
    static func object(_ source: String) -> URL? {
        let here = URL(filePath: "/proc/self/exe").resolvingSymlinksInPath().deletingLastPathComponent()
        let file = here.appending(path: "CKernels.build/\(source).o")
        return FileManager.default.fileExists(atPath: file.path) ? file : nil
    }

    /// Whether this build can be looked at.
    static var isVisible: Bool { disassembler != nil && object("hash_shani.c") != nil }

    static func listing(of object: URL) throws -> String {
        let process = Process()
        let output = Pipe()
        process.executableURL = URL(filePath: disassembler ?? "objdump")
        process.arguments = ["--disassemble", "--reloc", "--no-show-raw-insn", object.path]
        process.standardOutput = output
        process.standardError = FileHandle.nullDevice
        try process.run()
        let data = output.fileHandleForReading.readDataToEndOfFile()
        process.waitUntilExit()
        return String(decoding: data, as: UTF8.self)
    }
}
