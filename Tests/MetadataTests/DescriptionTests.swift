import Foundation
import Model
import Testing

@testable import Metadata

@Suite("Descriptions of a version")
struct DescriptionTests {
    private func document(_ path: String, _ description: ModuleDescription) throws -> JSON {
        let file = try #require(Describe.files(description).first { $0.path == path })
        return try JSON.parse(file.bytes)
    }

    @Test("equal inputs give equal bytes, whatever the order of the receipts")
    func deterministic() {
        let files = Describe.files(Fixture.description())
        #expect(files == Describe.files(Fixture.description(receipts: Fixture.receipts.reversed())))
        #expect(
            files.map(\.path) == [
                "croissant.json", "protocol.json", "report/accounting.json", "lineage/start.json",
                "lineage/complete.json", "data/labs/_delta_log/00000000000000000000.json",
            ])
    }

    @Test("every column is described, with its origin; protected ones with their measures and never with a key")
    func fields() throws {
        let croissant = try document("croissant.json", Fixture.description())
        let odd = try #require(croissant["recordSet"]?.items?.first)
        #expect(odd["@id"]?.text == "odd%20table%20%2F..%25%5Bx%5D%2A%3F%C3%A9")
        let fields = try #require(odd["field"]?.items)
        #expect(fields.map { $0["name"]?.text } == Fixture.oddColumns.map(\.name))
        for (field, column) in zip(fields, Fixture.oddColumns) {
            #expect(field["prov:wasDerivedFrom"]?.items?.count == 1)
            #expect((field["dpv:hasPersonalData"] != nil) == column.isProtected)
            #expect((field["dpv:hasTechnicalMeasure"] != nil) == column.isProtected)
            #expect(field["source"]?["extract"]?["column"]?.text == column.name)
        }
        #expect(fields[1]["dpv:hasPersonalData"] == [.record(["@id": "dpv:PseudonymisedData"])])
        let technique = try #require(fields[1]["etl:technique"]?.items?.first)
        #expect(technique["etl:keyName"]?.text == "people")
        #expect(technique["etl:keyCheckValue"]?.text == "0123456789abcdef")
        #expect(technique["etl:scope"]?.text == "patient")
        let decimal = fields[7]
        #expect(decimal["dataType"] == ["sc:Float", "xsd:decimal"])
        #expect(decimal["description"]?.text?.contains("DECIMAL(12,2)") == true)
        #expect(fields[3]["arrayShape"]?.text == "-1,-1")
    }

    @Test("no two nodes of a version share an identifier, whatever tables and columns are called")
    func identifiers() throws {
        var plan = Fixture.plan(compliance: nil)
        let names = ["files", "data", "protocol.json", ".files", "row-count", "a/b", "a"]
        let columns = [".files", "row-count", ".row-count", "part-00000.parquet", "b", "b/c", "x"].map {
            Fixture.column($0, .structure([Field(name: "part-00000.parquet", type: .text)]))
        }
        let model = plan.tables[1]
        plan.tables = names.map { name in
            var table = model
            table.name = name
            table.columns = columns
            return table
        }
        let base = Fixture.description()
        let description = ModuleDescription(
            plan: plan, receipts: names.map { Fixture.receipt($0, 0) }, publication: base.publication, run: base.run,
            startedAt: base.startedAt, endedAt: base.endedAt, storeLocation: base.storeLocation)
        let croissant = try document("croissant.json", description)
        var seen: [String: Int] = [:]
        func walk(_ node: JSON) {
            if node["@type"] != nil, let identifier = node["@id"]?.text,
                identifier != "urn:etl:source:labs/labs%2F%2A.csv"
            {
                seen[identifier, default: 0] += 1
            }
            for member in node.members ?? [] where member.name != "@context" { walk(member.value) }
            for item in node.items ?? [] { walk(item) }
        }
        walk(croissant)
        #expect(seen.filter { $0.value > 1 } == [:])
    }

    @Test("what the document does not state is left out or said not to be stated")
    func silence() throws {
        var description = Fixture.description(compliance: nil)
        var plan = description.plan
        plan.about.license = nil
        plan.about.creator = nil
        plan.about.keywords = []
        description = ModuleDescription(
            plan: plan, receipts: description.receipts, publication: description.publication, run: description.run,
            startedAt: description.startedAt, endedAt: description.endedAt, storeLocation: description.storeLocation)
        let croissant = try document("croissant.json", description)
        #expect(croissant["license"]?.text == "urn:etl:license:not-stated")
        #expect(croissant["creator"]?["name"]?.text == "not stated")
        #expect(croissant["url"]?.text == "urn:etl:module:clinic")
        for absent in ["dpv:hasProcess", "usageInfo", "keywords", "rai:dataBiases", "rai:dataReleaseMaintenancePlan"] {
            #expect(croissant[absent] == nil)
        }
        let short = try document("croissant.json", Fixture.description(compliance: Fixture.shortCompliance))
        #expect(short["dpv:hasProcess"]?["dpv:hasDataSubject"] == [.record(["@id": "dpv:DataSubject"])])
        #expect(short["dpv:hasProcess"]?["dpv:hasDataProtectionOfficer"] == nil)
    }

    @Test("the accounting adds up by table and names each shard's file")
    func accounting() throws {
        let accounting = try document("report/accounting.json", Fixture.description())
        let odd = try #require(accounting["tables"]?.items?.first)
        #expect(odd["rows"]?["read"] == 8 && odd["rows"]?["published"] == 6 && odd["rows"]?["filtered"] == 2)
        #expect(odd["shards"]?.items?.map { $0["shard"] } == [0, 1])
        #expect(odd["steps"]?.items?.first?["counts"]?["changed"] == 2)
        let gathering = try document("protocol.json", Fixture.description())
        #expect(gathering["tables"]?.items?.first?["dropped_columns"] == ["ssn"])
        #expect(gathering["keys"] == [.record(["name": "people", "check_value": "0123456789abcdef"])])
        #expect(gathering["publication"]?["committed_by"]?.text == "etl-express test")
    }

    @Test(
        "articles of the GDPR become terms, other words stay words",
        arguments: [
            ("GDPR Art. 6(1)(e)", "eu-gdpr:A6-1-e"), ("GDPR Art. 9(2)(j)", "eu-gdpr:A9-2-j"),
            ("Article 6 (1) lit. f GDPR", "eu-gdpr:A6-1-f"), ("Art. 6(1)(a) GDPR", "eu-gdpr:A6-1-a"),
            ("art 6 1 a", nil),
            ("GDPR Art. 6(1)(g)", nil), ("GDPR Art. 9(2)(k)", nil), ("GDPR Art. 6(2)(a)", nil), ("consent", nil),
            ("§ 6(1)(e) Hospital Act", nil), ("Hospital Act 6(1)(e)", nil), ("", nil),
        ] as [(String, String?)])
    func legalBasis(_ text: String, _ term: String?) {
        #expect(PrivacyTerms.legalBasis(text) == term)
    }

    @Test("every term that may be used is one that DPV 2.3 defines", Shared.holds("schemas/dpv-2.3-terms.txt"))
    func terms() throws {
        let text = try String(contentsOfFile: "\(Shared.folder)/schemas/dpv-2.3-terms.txt", encoding: .utf8)
        let known = Set(text.split(whereSeparator: \.isWhitespace).map(String.init))
        for name in PrivacyTerms.dataSubjects { #expect(known.contains("https://w3id.org/dpv#\(name)")) }
        for name in PrivacyTerms.personalData { #expect(known.contains("https://w3id.org/dpv/pd#\(name)"), "\(name)") }
        for letter in "abcdef" { #expect(known.contains("https://w3id.org/dpv/legal/eu/gdpr#A6-1-\(letter)")) }
        for letter in "abcdefghij" { #expect(known.contains("https://w3id.org/dpv/legal/eu/gdpr#A9-2-\(letter)")) }
    }

    @Test("the context equals the one that the module format asks for", Shared.holds("tools/context-1.1.json"))
    func context() throws {
        let data = try Data(contentsOf: URL(fileURLWithPath: "\(Shared.folder)/tools/context-1.1.json"))
        func sorted(_ json: JSON) -> [JSON.Member] { (json.members ?? []).sorted { $0.name < $1.name } }
        #expect(sorted(CroissantContext.document) == sorted(try JSON.parse(Array(data))))
    }

    @Test(
        "a retention ends where the calendar says",
        arguments: [
            ("P5Y", "2029-02-28T05:30:00Z"), ("P90D", "2024-05-29T05:30:00Z"), ("P1M", "2024-03-29T05:30:00Z"),
            ("P1Y6M", "2025-08-29T05:30:00Z"), ("P2W", "2024-03-14T05:30:00Z"), ("PT36H", "2024-03-01T17:30:00Z"),
            ("P1DT1S", "2024-03-01T05:30:01Z"), ("P0D", nil), ("P", nil), ("5Y", nil), ("P5", nil), ("PT", nil),
            ("P1D1Y", nil), ("P1.5Y", nil), ("P99999999Y", nil), ("P-1Y", nil),
        ] as [(String, String?)])
    func retention(_ text: String, _ end: String?) {
        #expect(Retention(text).flatMap { $0.end(after: "2024-02-29T05:30:00Z") } == end)
    }

    @Test("times are written and read as RFC 3339")
    func timestamps() {
        for text in ["1970-01-01T00:00:00Z", "2000-02-29T23:59:59Z", "2100-03-01T00:00:00Z", "9999-12-31T23:59:59Z"] {
            #expect(Timestamp.milliseconds(text).map { Timestamp.text(milliseconds: $0) } == text)
        }
        #expect(Timestamp.text(milliseconds: 1_795_411_800_999) == "2026-11-23T05:30:00Z")
        for bad in ["", "2026-02-30T00:00:00Z", "2026-13-01T00:00:00Z", "2026-01-01T24:00:00Z", "2026-01-01"] {
            #expect(Timestamp.milliseconds(bad) == nil)
        }
    }
}
