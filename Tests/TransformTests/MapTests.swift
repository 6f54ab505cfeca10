import Columnar
import Foundation
import Model
import Testing

@testable import Transform

@Suite("map") struct MapTests {
    let folder: String

    init() throws {
        folder = NSTemporaryDirectory() + "etl-map-" + UUID().uuidString
        try FileManager.default.createDirectory(atPath: folder, withIntermediateDirectories: true)
    }

    private func file(_ content: String) throws {
        try Data(content.utf8).write(to: URL(fileURLWithPath: "\(folder)/map.csv"))
    }

    @Test("values of the table are replaced; others stop the run unless the rule says otherwise")
    func inline() throws {
        let values: Argument = ["m": "male", "f": "female", "x": nil]
        #expect(try Fixture.texts([Step("map", values)], ["m", "f", "x", nil]) == ["male", "female", nil, nil])
        let error = #expect(throws: TransformError.self) { try Fixture.texts([Step("map", values)], ["m", "canary"]) }
        #expect(error?.code == .unmapped)
        #expect(error?.rowOrdinal == 101)
        #expect(error.map { !$0.description.contains("canary") } == true)
        func otherwise(_ word: Argument) throws -> [String?] {
            try Fixture.texts([Step("map", ["values": values, "otherwise": word])], ["m", "q", nil])
        }
        #expect(try otherwise("keep") == ["male", "q", nil])
        #expect(try otherwise("null") == ["male", nil, nil])
        #expect(try otherwise(nil) == ["male", nil, nil])
        #expect(try otherwise("other") == ["male", "other", nil])
        var counts: [RuleCount] = []
        let kept = try Fixture.run(
            [Step("map", ["values": values, "on_failure": "drop_row"])], .texts(["m", "q", "f"]), counts: &counts)
        #expect(kept.shown == ["male", "female"])
        #expect(counts[0].dropped == 1)
        #expect(try Fixture.run([Step("map", ["1": "one"])], .fixed([Int32(1), nil], .int32)).shown == ["one", nil])
    }

    @Test("a file is a CSV with a header and two columns")
    func files() throws {
        try file("code,text\r\n\"a,\"\"b\",one\r\nc,\n")
        let step = Step("map", ["file": "map.csv"])
        let result = try Fixture.run([step], .texts(["a,\"b", "c", nil]), baseDirectory: folder)
        #expect(result.shown == ["one", "", nil])
        for (content, word) in [
            ("", "empty"), ("a,b\n1,2,3\n", "line 2"), ("a,b\n1,x\n1,y\n", "line 3"), ("a,b\n\"1,x\n", "open quote"),
            ("a,b\n\"1\"z,x\n", "closing quote"), ("a,b\n1\"z,x\n", "quote"),
        ] {
            try file(content)
            let messages = Fixture.problems([step], on: .text, baseDirectory: folder).joined()
            #expect(messages.contains(word), "\(messages)")
        }
        #expect(
            Fixture.problems([Step("map", ["file": "absent.csv"])], on: .text, baseDirectory: folder).joined()
                .contains("cannot be read"))
    }
}
