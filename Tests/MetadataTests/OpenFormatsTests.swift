import Foundation
import Model
import ModuleStore
import Testing

@testable import Metadata

@Suite("Table formats of a version")
struct OpenFormatsTests {
    /// Both tables of `Fixture`, the odd one under a plain name: readers of Delta cannot open a folder with a `%`.
    private static func plan() -> RunPlan {
        var plan = Fixture.plan(compliance: Fixture.shortCompliance)
        plan.tables[0].name = "odd"
        return plan
    }

    private static func description(
        iceberg: Bool = false, run: String = Fixture.run, store: String = "/srv/modules"
    ) -> ModuleDescription {
        let base = Fixture.description()
        var publication = base.publication
        publication.attempt = run
        return ModuleDescription(
            plan: plan(), receipts: [Fixture.receipt("odd", 0), Fixture.receipt("odd", 1)], publication: publication,
            run: run, startedAt: base.startedAt, endedAt: base.endedAt, storeLocation: store, iceberg: iceberg)
    }

    private func text(_ path: String, _ description: ModuleDescription) throws -> String {
        let file = try #require(Describe.files(description).first { $0.path == path }, "no \(path)")
        return String(decoding: file.bytes, as: UTF8.self)
    }

    private func log(_ table: String, _ description: ModuleDescription) throws -> [JSON] {
        try text(ModuleLayout.deltaLog(table: table), description).split(separator: "\n").map {
            try JSON.parse(Array($0.utf8))
        }
    }

    @Test("a Delta log names each part by its relative path and tells of its values their number alone")
    func deltaLog() throws {
        let log = try log("odd", Self.description())
        #expect(log.map { $0.members?.first?.name } == ["commitInfo", "protocol", "metaData", "add", "add"])
        for (index, line) in log.dropFirst(3).enumerated() {
            #expect(line["add"]?["path"]?.text == "part-0000\(index).parquet")
            #expect(line["add"]?["stats"]?.text == #"{"numRecords":3}"#)
            #expect(line["add"]?["size"] == 100)
            #expect(line["add"]?["modificationTime"]?.integer == Timestamp.milliseconds(Fixture.committed))
            #expect(line["add"]?["partitionValues"] == .object([]))
        }
        let schema = try JSON.parse(Array((log[2]["metaData"]?["schemaString"]?.text ?? "").utf8))
        #expect(schema["fields"]?.items?.map { $0["name"]?.text } == Fixture.oddColumns.map(\.name))
        #expect(schema["fields"]?.items?.allSatisfy { $0["nullable"] == true } == true)
    }

    @Test("only a table with local times asks its readers for more than the first protocol")
    func deltaProtocol() throws {
        let odd = try log("odd", Self.description())[1]["protocol"]
        #expect(odd?["minReaderVersion"] == 3 && odd?["minWriterVersion"] == 7)
        #expect(odd?["readerFeatures"] == ["timestampNtz"])
        #expect(odd?["writerFeatures"] == ["appendOnly", "timestampNtz"])
        let labs = try log("labs", Self.description())
        #expect(labs[1]["protocol"] == .record(["minReaderVersion": 1, "minWriterVersion": 2]))
        #expect(labs.count == 3, "a table without parts has a log without any")
    }

    @Test("a table whose folder needs escapes has no Delta log")
    func hostileNames() {
        let paths = Describe.files(Fixture.description()).map(\.path).filter { $0.contains("_delta_log") }
        #expect(paths == ["data/labs/_delta_log/00000000000000000000.json"])
    }

    @Test("identifiers follow from run and table, and are UUIDs")
    func identifiers() throws {
        func id(_ table: String, _ run: String) throws -> String {
            try #require(try log(table, Self.description(run: run))[2]["metaData"]?["id"]?.text)
        }
        let first = try id("odd", Fixture.run)
        #expect(try first == id("odd", Fixture.run))
        #expect(first.wholeMatch(of: /[0-9a-f]{8}-[0-9a-f]{4}-8[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}/) != nil)
        #expect(try UUID(uuidString: first) != nil && first != id("labs", Fixture.run))
        #expect(try first != id("odd", "019ab2c0-7d11-7a55-9c3e-5d2c7b1f0a02"))
        #expect(DerivedIdentifiers(format: "iceberg", run: Fixture.run, table: "odd").number > 0)
    }

    @Test("Iceberg's metadata are written when asked for, the same bytes each time")
    func icebergFiles() throws {
        #expect(!Describe.files(Self.description()).contains { $0.path.contains("/metadata/") })
        let files = Describe.files(Self.description(iceberg: true))
        #expect(files == Describe.files(Self.description(iceberg: true)))
        #expect(
            files.map(\.path).filter { $0.hasPrefix("data/odd/metadata/") } == [
                "data/odd/metadata/v1.metadata.json", "data/odd/metadata/version-hint.text",
                "data/odd/metadata/snapshot.avro", "data/odd/metadata/manifest.avro",
            ])
        #expect(try text("data/labs/metadata/version-hint.text", Self.description(iceberg: true)) == "1")
        #expect(files.count == Set(files.map(\.path)).count)
    }

    @Test(
        "Iceberg names files by where the store stands",
        arguments: [
            ("/srv/modules", "file:///srv/modules"), ("/srv/modules/", "file:///srv/modules"),
            ("s3://bucket/data", "s3://bucket/data"),
        ])
    func locations(_ store: String, _ root: String) throws {
        let description = Self.description(iceberg: true, store: store)
        let metadata = try JSON.parse(Array(try text("data/odd/metadata/v1.metadata.json", description).utf8))
        let location = "\(root)/clinic/runs/\(Fixture.run)/data/odd"
        #expect(metadata["location"]?.text == location)
        #expect(metadata["snapshots"]?.items?.first?["manifest-list"]?.text == "\(location)/metadata/snapshot.avro")
        #expect(try text("data/odd/metadata/manifest.avro", description).contains("\(location)/part-00001.parquet"))
    }

    @Test("Iceberg's field ids count columns, elements and members depth first")
    func fieldIDs() throws {
        let schema = IcebergSchema([
            Fixture.column("a", .int64), Fixture.column("b", .list(.list(.int16))),
            Fixture.column("c", .structure([Field(name: "x", type: .list(.text)), Field(name: "y", type: .date)])),
            Fixture.column("d", .timestamp(isUTC: false)),
        ])
        let fields = try #require(schema.document["fields"]?.items)
        #expect(fields.map { $0["id"] } == [1, 2, 5, 9])
        #expect(fields[1]["type"]?["element-id"] == 3 && fields[1]["type"]?["element"]?["element-id"] == 4)
        let members = fields[2]["type"]?["fields"]?.items
        #expect(members?.map { $0["id"] } == [6, 8] && members?[0]["type"]?["element-id"] == 7)
        #expect(schema.lastID == 9)
    }

    @Test(
        "Avro's integers are zigzag and seven bits a byte",
        arguments: [
            (0, [0]), (-1, [1]), (1, [2]), (-64, [0x7f]), (64, [0x80, 0x01]), (8192, [0x80, 0x80, 0x01]),
            (.max, [0xfe, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0x01]),
            (.min, [0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0x01]),
        ] as [(Int64, [UInt8])])
    func avroIntegers(_ value: Int64, _ bytes: [UInt8]) {
        var record = AvroRecord()
        record.add(value)
        #expect(record.bytes == bytes)
    }

    @Test("readers of Delta and Iceberg find what the Parquet files hold", Published.hasPython)
    func readers() throws {
        try read(Self.plan(), ["--delta", "--iceberg"], store: "modules")
    }

    @Test("readers of Iceberg open a table of any name in a store of any name", Published.hasPython)
    func hostileNamesInIceberg() throws {
        try read(Fixture.plan(compliance: Fixture.shortCompliance), ["--iceberg"], store: "data modules")
    }

    private func read(_ plan: RunPlan, _ forms: [String], store name: String) throws {
        let temporary = try TemporaryFolder()
        try Published.writeParts(temporary.path)
        let store = Store(directory: "\(temporary.path)/\(name)")
        try Published.publish(store, parts: temporary.path, plan, iceberg: true)
        let findings = try store.verify(module: "clinic").findings
        #expect(findings == [])
        let record = try store.record(module: "clinic", version: 1)
        let run = "\(store.location)/clinic/\(ModuleLayout.run(record.attempt))"
        let reading = try Published.python([Self.reader] + forms + [run] + record.tables.map(\.name))
        #expect(reading.status == 0, "\(reading.output)")
        // A reader that is not installed is no failure, but no test either.
        for line in reading.output.split(separator: "\n") where line.contains("skipped") { print(line) }
    }

    private static let reader = URL(fileURLWithPath: #filePath).deletingLastPathComponent()
        .appendingPathComponent("../EndToEnd/lib/open_formats.py").standardizedFileURL.path
}
