import Foundation
import Model
import Testing

@testable import Document

@Suite struct PlaceholderTests {
    private let placeholders = Placeholders(
        environment: ["A": "one", "B": "${env:A}", "EMPTY": ""], baseDirectory: "/none")

    @Test("a placeholder is replaced once; what was put in is not looked at again")
    func once() throws {
        #expect(try placeholders.replaced(in: "x${env:A}y${env:A}") == "xoneyone")
        #expect(try placeholders.replaced(in: "${env:B}") == "${env:A}")
        #expect(try placeholders.replaced(in: "${env:EMPTY}") == "")
        #expect(try placeholders.replaced(in: "no $ {env:A} $env:A }") == "no $ {env:A} $env:A }")
    }

    @Test("$${ stands for ${")
    func escaped() throws {
        #expect(try placeholders.replaced(in: "$${env:A} $$${env:A}") == "${env:A} $${env:A}")
        #expect(!Placeholders.isIn("$${env:A}"))
        #expect(
            Placeholders.isIn("x${env:A}") && !Placeholders.isWhole("x${env:A}") && Placeholders.isWhole("${env:A}"))
    }

    @Test("a file's content is put in without its last line break; nothing of it is told")
    func files() throws {
        let folder = FileManager.default.temporaryDirectory.appendingPathComponent("etlx-\(UUID().uuidString)")
        try FileManager.default.createDirectory(at: folder, withIntermediateDirectories: true)
        defer { try? FileManager.default.removeItem(at: folder) }
        func write(_ name: String, _ bytes: [UInt8]) throws {
            try Data(bytes).write(to: folder.appendingPathComponent(name))
        }
        try write("unix", Array("pass word\n".utf8))
        try write("windows", Array("pass\r\n".utf8))
        try write("two", Array("pass\n\n".utf8))
        try write("binary", [0x70, 0xFF])
        try write("large", [UInt8](repeating: 0x61, count: Placeholders.byteLimit + 1))
        let here = Placeholders(environment: [:], baseDirectory: folder.path)
        #expect(try here.replaced(in: "${file:unix}") == "pass word")
        #expect(try here.replaced(in: "${file:./windows}") == "pass")
        #expect(try here.replaced(in: "${file:two}") == "pass\n")
        #expect(try here.replaced(in: "${file:\(folder.path)/unix}") == "pass word")
        for name in ["binary", "large", "absent", "."] {
            #expect(throws: Placeholders.Fault.self) { _ = try here.replaced(in: "${file:\(name)}") }
        }
    }

    @Test("a pipe or a device is no file of a placeholder, and is not waited for")
    func pipes() throws {
        let pipe = FileManager.default.temporaryDirectory.appendingPathComponent("etlx-\(UUID().uuidString)").path
        #expect(unsafe mkfifo(pipe, 0o600) == 0)
        defer { unsafe unlink(pipe) }
        let here = Placeholders(environment: [:], baseDirectory: "/")
        for path in [pipe, "/dev/zero", "/dev/null"] {
            #expect(throws: Placeholders.Fault.self, "\(path)") { _ = try here.replaced(in: "${file:\(path)}") }
        }
    }

    @Test("a placeholder in a text that is published is refused, on every machine")
    func published() {
        let value = "\"${env:HOSPITAL_PW}\""
        for more in [
            "title: \(value)", "description: \(value)", "license: \(value)", "url: \(value)", "creator: \(value)",
            "creator: {name: \(value)}", "keywords: [a, \(value)]", "compliance: {purpose: \(value)}",
            "compliance: {purpose: p, use_cases: [\(value)]}",
        ] {
            #expect(Fixture.examine(Fixture.document(more)).pipeline == nil, "\(more)")
        }
        for rule in [
            "{constant: \(value)}", "[trim, {map: {a: \(value)}}]", "{map: {file: \(value)}}",
            "{replace: {pattern: a, with: \(value)}}",
        ] {
            let text = Fixture.document(table: "{from: s, columns: {id: \(rule)}}")
            #expect(Fixture.examine(text).pipeline == nil, "\(rule)")
        }
        let database = "{kind: postgres, url: \"postgresql://h/d\"}"
        for table in [
            "{from: s.public.t, where: \(value), columns: {id: keep}}",
            "{from: {source: s, query: \(value)}, columns: {id: keep}}",
        ] {
            #expect(Fixture.examine(Fixture.document(source: database, table: table)).pipeline == nil, "\(table)")
        }
    }

    @Test("keys of the document are not replaced")
    func keysStay() throws {
        let text = Fixture.document(table: "{from: s, columns: {\"${env:HOSPITAL_PW}\": keep}}")
        let pipeline = try #require(Fixture.examine(text).pipeline)
        #expect(pipeline.tables[0].columns[0].name == "${env:HOSPITAL_PW}")
    }

    @Test("a verb is never taken from a variable")
    func verbsStay() throws {
        let text = Fixture.document(table: "{from: s, columns: {a: \"${env:HOSPITAL_PW}\"}}")
        let pipeline = try #require(Fixture.examine(text).pipeline)
        #expect(pipeline.tables[0].columns[0].steps[0].verb == "${env:HOSPITAL_PW}")
    }

    @Test("whatever way a pipeline is printed, what a placeholder stands for does not show")
    func neverPrinted() throws {
        let text = #"""
            format: 1
            module: m
            sources:
              a: {kind: postgres, url: "${env:HOSPITAL_URL}"}
              b: {kind: postgres, url: "postgresql://app:${env:HOSPITAL_PW}@db.example/x"}
              c: {kind: csv, path: "${env:LAB_DIR}/*.csv"}
            keys: {k: {file: "${env:KEY_DIR}/k.key"}}
            tables:
              t:
                from: a.public.t
                columns: {id: {token: {key: k, scope: s}}}
              u: {from: {source: b, query: "select id from u"}, columns: {id: keep}}
              v: {from: c, columns: {id: keep}}
            target: {directory: "${env:STORE}"}
            """#
        let reading = Fixture.examine(text)
        let pipeline = try #require(reading.pipeline)
        var dumped = ""
        dump(pipeline, to: &dumped)
        let printed = [
            dumped, "\(pipeline)", String(reflecting: pipeline), "\(pipeline.sources)", "\(pipeline.keys)",
            "\(pipeline.tables)", "\(pipeline.target)", "\(reading.problems)",
            pipeline.tables.map { "\($0.origin) \($0.columns)" }.joined(),
        ].joined(separator: "\n")
        #expect(!printed.contains(Fixture.canary))
        #expect(printed.contains("${env:HOSPITAL_URL}"), "the placeholder itself may show")
        // It did arrive where it is needed.
        #expect(Fixture.directory(of: pipeline) == "/\(Fixture.canary)/store")
    }
}
