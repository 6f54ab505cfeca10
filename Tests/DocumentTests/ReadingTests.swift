import Foundation
import Model
import Testing

@testable import Document

@Suite struct ReadingTests {
    @Test("the example of the reference reads without a problem")
    func example() throws {
        let reading = Fixture.examine(Fixture.example, path: "docs/clinic.yaml", base: "/data/clinic")
        #expect(reading.problems.map(\.description) == [])
        let pipeline = try #require(reading.pipeline)
        #expect(pipeline.file == "docs/clinic.yaml")
        #expect(pipeline.baseDirectory == "/data/clinic")
        #expect(pipeline.about.module == "clinic")
        #expect(pipeline.about.creator == .init(name: "Example Hospital", url: "https://hospital.example"))
        #expect(pipeline.about.keywords == ["health", "visits"])
        #expect(pipeline.about.compliance?.legalBasis == ["GDPR Art. 6(1)(e)", "GDPR Art. 9(2)(j)"])
        #expect(pipeline.about.compliance?.retention == "P5Y")
        #expect(pipeline.about.documentDigest == "digest of \(Fixture.example.utf8.count) bytes")
        #expect(pipeline.sources.map(\.name) == ["hospital", "labs"])
        #expect(pipeline.keys.map(\.path) == ["/\(Fixture.canary)/keys/people.key"])
        #expect(Fixture.directory(of: pipeline) == "/data/clinic/modules")
        #expect(pipeline.target.codec == .lz4)

        let patients = try #require(pipeline.tables.first)
        #expect(patients.filter == "deleted_at is null")
        guard case .relation("public", "patients") = patients.origin else {
            Issue.record("another origin")
            return
        }
        #expect(patients.columns.count == 11)
        #expect(patients.columns[1].steps.map(\.verb) == ["trim", "lowercase", "token"])
        #expect(patients.columns[1].steps[2].argument?["scope"]?.text == "email")
        #expect(patients.columns[3].steps.map(\.verb) == ["drop"])
        #expect(patients.columns[10].steps[1].argument?.integer == 1)
        #expect(patients.columns[10].position.line == 38)
    }

    @Test("the quickstart's document reads without a problem")
    func quickstart() throws {
        let path = "\(Fixture.goldens)/../../../ops/clinic/clinic.yaml"
        let reading = unsafe PipelineReader.examine(path: path, environment: [:], digest: Fixture.digest)
        #expect(reading.problems.map(\.description) == [])
        #expect(reading.pipeline?.tables.map(\.name) == ["patients", "visits"])
    }

    @Test("a large document is read in reasonable time, and one with many mistakes too")
    func large() throws {
        let count = 60_000
        let columns = (0..<count).map { "      column_\($0): [trim, {token: {key: k, scope: s}}]" }
            .joined(separator: "\n")
        let text = """
            format: 1
            module: m
            sources: {s: {kind: csv, path: x.csv}}
            keys: {k: {file: k.key}}
            tables:
              t:
                from: s
                columns:
            \(columns)
            target: {directory: out}
            """
        let clock = ContinuousClock()
        let good = clock.measure { #expect(Fixture.examine(text).pipeline?.tables[0].columns.count == count) }
        let bad = clock.measure {
            let broken = text.replacingOccurrences(of: "[trim,", with: "[[trim],")
            #expect(Fixture.examine(broken).problems.count == count)
        }
        print("a document of \(text.utf8.count) bytes: \(good) to read, \(bad) with \(count) mistakes")
        #expect(good < .seconds(120) && bad < .seconds(120))
    }

    @Test("a source's URL is what the variable holds, and prints as the placeholder")
    func secretURL() throws {
        let pipeline = try #require(Fixture.examine(Fixture.example).pipeline)
        guard case .postgres(let url) = pipeline.sources[0].kind else {
            Issue.record("another kind")
            return
        }
        #expect(url.reveal() == Fixture.environment["HOSPITAL_URL"])
        #expect("\(url)" == "${env:HOSPITAL_URL}")
    }

    @Test("all settings of delimited files arrive")
    func delimited() throws {
        let text = Fixture.document(
            source: #"""
                {kind: csv, path: "a/*.csv", delimiter: tab, quote: "'", escape: "\\", header: false,
                  encoding: Latin-1, compression: gzip, nulls: ["", NULL, ~, "NA"], comment: "#", skip_lines: 2,
                  types: {id: int64, amount: "numeric(12, 2)"}, names: [id, amount], on_malformed: drop, at_most: 0.5%}
                """#)
        let pipeline = try #require(Fixture.examine(text, base: "/d").pipeline)
        guard case .csv(let spec) = pipeline.sources[0].kind else {
            Issue.record("another kind")
            return
        }
        #expect(spec.path == "a/*.csv")
        #expect(spec.delimiter == UInt8(ascii: "\t"))
        #expect(spec.quote == UInt8(ascii: "'"))
        #expect(spec.escape == UInt8(ascii: "\\"))
        #expect(!spec.hasHeader)
        #expect(spec.encoding == .latin1)
        #expect(spec.compression == .gzip)
        #expect(spec.nullTexts == ["", "NULL", "~", "NA"])
        #expect(spec.comment == UInt8(ascii: "#"))
        #expect(spec.skippedLines == 2)
        #expect(spec.types.map(\.type) == [.int64, .decimal(precision: 12, scale: 2)])
        #expect(spec.names == ["id", "amount"])
        #expect(spec.onMalformed == .drop)
        #expect(spec.atMost == .share(5000))
    }

    @Test("without settings, delimited files are RFC 4180")
    func delimitedDefaults() throws {
        let pipeline = try #require(Fixture.examine(Fixture.document()).pipeline)
        guard case .csv(let spec) = pipeline.sources[0].kind else {
            Issue.record("another kind")
            return
        }
        #expect(spec == DelimitedSpec(path: "x.csv", pathPosition: spec.pathPosition))
    }

    @Test("names in from stand for themselves; quotes hold odd ones")
    func origins() throws {
        #expect(DottedName.parts(of: #"hospital.public."odd.name""#) == ["hospital", "public", "odd.name"])
        #expect(DottedName.parts(of: #"h."a ""b"""."c""#) == ["h", #"a "b""#, "c"])
        #expect(DottedName.parts(of: "H.Public.Patients") == ["H", "Public", "Patients"])
        for wrong in ["", ".", "a.", ".a", "a..b", "a b.c", #"a."b"#, #"a."b"c"#, #"a"b".c"#, #"a."""#] {
            #expect(DottedName.parts(of: wrong) == nil, "\(wrong)")
        }
    }

    @Test("a query loses the semicolon that people end it with")
    func query() throws {
        let text = Fixture.document(
            source: "{kind: postgres, url: \"host=db\"}",
            table: "{from: {source: s, query: \"select 1;\\n \"}, columns: {id: keep}}")
        let pipeline = try #require(Fixture.examine(text).pipeline)
        guard case .query("select 1") = pipeline.tables[0].origin else {
            Issue.record("another origin")
            return
        }
    }

    @Test("the empty argument of a verb is kept: {on_special: null} asks for null")
    func nullArgument() throws {
        let text = Fixture.document(table: "{from: s, columns: {d: [{on_special: null}, trim]}}")
        let steps = try #require(Fixture.examine(text).pipeline).tables[0].columns[0].steps
        #expect(steps[0].argument?.isNull == true)
        #expect(steps[1].argument == nil)
    }

    @Test("a document is read from its file; relative paths start from its folder")
    func fromFile() throws {
        let folder = FileManager.default.temporaryDirectory.appendingPathComponent("etlx-\(UUID().uuidString)")
        try FileManager.default.createDirectory(at: folder, withIntermediateDirectories: true)
        defer { try? FileManager.default.removeItem(at: folder) }
        let path = folder.appendingPathComponent("p.yaml").path
        try "\u{FEFF}\(Fixture.document())".write(toFile: path, atomically: true, encoding: .utf8)
        let pipeline = try unsafe PipelineReader.read(path: path, environment: [:], digest: Fixture.digest)
        #expect(Fixture.directory(of: pipeline) == folder.appendingPathComponent("out").path)

        try Data([0x61, 0x0A, 0xC3, 0xA9, 0xFF]).write(to: URL(fileURLWithPath: path))
        #expect(failure(path) == ["2:2: a byte that is not UTF-8"])
        try Data(count: Limits.bytesPerDocument + 1).write(to: URL(fileURLWithPath: path))
        #expect(failure(path) == ["1:1: a document of more than 4194304 bytes"])
        #expect(failure(folder.path) == ["the document is a folder"])
        #expect(failure(path + ".none") == ["the document does not exist"])
        #expect(failure("/dev/zero") == ["1:1: a document of more than 4194304 bytes"])
    }

    private func failure(_ path: String) -> [String] {
        do throws(InvalidDocument) {
            _ = try unsafe PipelineReader.read(path: path, environment: [:], digest: Fixture.digest)
            return []
        } catch {
            return error.problems.map { problem in
                (problem.position.map { "\($0.line):\($0.column): " } ?? "") + problem.found
            }
        }
    }

    @Test("paths keep what the system resolves and lose what is only writing")
    func paths() {
        #expect(Paths.absolute("./a//b/./c", in: "/x/y") == "/x/y/a/b/c")
        #expect(Paths.absolute("../a", in: "/x/y") == "/x/y/../a")
        #expect(Paths.absolute("/a", in: "/x") == "/a")
        #expect(Paths.absolute(".", in: "/") == "/")
        #expect(Paths.folder(of: "a.yaml") == ".")
        #expect(Paths.folder(of: "/a.yaml") == "/")
        #expect(Paths.folder(of: "x/y/a.yaml") == "x/y")
    }

    @Test("what is read is what is known: the table of keys has no doubles and every key an example that shows it")
    func keyTable() {
        for section in DocumentSection.allCases {
            let names = section.keys.map(\.name)
            #expect(Set(names).count == names.count)
            for key in section.keys { #expect(key.example.hasPrefix("\(key.name): ")) }
            for refused in section.refused { #expect(refused.names.allSatisfy { !names.contains($0) }) }
        }
    }
}
