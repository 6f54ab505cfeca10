import Foundation
import Model
import Testing

@testable import Transform

@Suite("audit files") struct AuditFileTests {
    let folder: String

    init() throws {
        folder = NSTemporaryDirectory() + "etl-audit-" + UUID().uuidString
        try FileManager.default.createDirectory(atPath: folder, withIntermediateDirectories: true)
    }

    @Test("grow by whole lines, are their owner's alone, and keep what was there")
    func append() throws {
        let path = "\(folder)/reveal.log"
        for number in 1...3 {
            let file = try AuditFile(path: path)
            try file.append(.record(["number": .integer(Int64(number)), "user": "an\na"]))
        }
        #expect(
            try String(contentsOfFile: path, encoding: .utf8)
                == (1...3).map { "{\"number\":\($0),\"user\":\"an\\na\"}\n" }.joined())
        #expect(try FileManager.default.attributesOfItem(atPath: path)[.posixPermissions] as? Int == 0o600)
    }

    @Test("are refused where a line would not stay", arguments: ["/dev/null", "absent/reveal.log", "", "link"])
    func refused(name: String) throws {
        try FileManager.default.createSymbolicLink(atPath: "\(folder)/link", withDestinationPath: "\(folder)/elsewhere")
        let path = name.hasPrefix("/") ? name : "\(folder)/\(name)"
        do throws(AuditError) {
            _ = try AuditFile(path: path)
            Issue.record("\(path) was taken")
        } catch {
            #expect(error.description.contains(path))
        }
        #expect(!FileManager.default.fileExists(atPath: "\(folder)/elsewhere"))
    }
}
