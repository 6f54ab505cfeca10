import Foundation
import Model
import Testing

@testable import Metadata

@Suite("The catalogue of a store")
struct CatalogTests {
    private static func entry(
        _ module: String, _ version: Int, isWithdrawn: Bool = false, license: String? = nil, describes: Bool = true
    ) throws -> CatalogEntry {
        let base = Fixture.description(version: version)
        var plan = base.plan
        plan.about.module = module
        if let license { plan.about.license = license }
        let description = ModuleDescription(
            plan: plan, receipts: base.receipts, publication: base.publication, run: base.run,
            startedAt: base.startedAt, endedAt: base.endedAt, storeLocation: base.storeLocation)
        let croissant = try JSON.parse(try #require(Describe.files(description).first).bytes)
        let record = CommitRecord(
            module: module, version: version, attempt: "019ab2c0-7d11-7a55-9c3e-5d2c7b1f0a0\(version)", files: 9,
            bytes: 1234, sums: Fixture.digest, croissantSHA256: Fixture.digest, tables: [("labs", 3), ("%5Fodd", 6)],
            parent: version == 1 ? nil : .init(version: version - 1, commitSHA256: Fixture.digest),
            committedAt: "2026-11-2\(version)T05:30:00Z", committedBy: "test",
            expiresAt: version == 2 ? "2031-11-23T05:30:00Z" : nil)
        return CatalogEntry(
            record: record, croissant: describes ? croissant : nil,
            withdrawnAt: isWithdrawn ? "2026-11-30T00:00:00Z" : nil)
    }

    private static func entries() throws -> [CatalogEntry] {
        try [
            entry("clinic", 1, isWithdrawn: true), entry("clinic", 2), entry("clinic", 3, isWithdrawn: true),
            entry("shop", 1, license: "as agreed, see contract", describes: true),
            entry("shop", 2, describes: false),
        ]
    }

    @Test("lists every version of every module, withdrawn ones marked and without a file to get")
    func versions() throws {
        let catalog = Catalog.document(try Self.entries(), title: "Modules of a hospital")
        #expect(catalog["dct:title"]?.text == "Modules of a hospital")
        let modules = try #require(catalog["dcat:dataset"]?.items)
        #expect(modules.map { $0["@id"] } == ["urn:etl:module:clinic", "urn:etl:module:shop"])
        #expect(modules[0]["dcat:hasCurrentVersion"]?["@id"] == "urn:etl:module:clinic:2")
        #expect(modules[0]["dct:title"]?.text == "Clinic visits, \"pseudonymised\"")
        let versions = try #require(modules[0]["dcat:hasVersion"]?.items)
        #expect(versions.map { $0["dcat:version"]?["@value"] } == ["1.0.0", "2.0.0", "3.0.0"])
        #expect(
            versions.map { $0["adms:status"]?["@id"]?.text?.split(separator: "/").last } == [
                "Withdrawn", "Completed", "Withdrawn",
            ])
        #expect(versions.map { $0["dcat:distribution"] != nil } == [false, true, false])
        #expect(
            versions.map { $0["dcat:previousVersion"]?["@id"] } == [
                nil, "urn:etl:module:clinic:1", "urn:etl:module:clinic:2",
            ])
        #expect(
            versions[1]["dcat:distribution"]?.items?.first?["dcat:downloadURL"]?["@id"]
                == "clinic/runs/019ab2c0-7d11-7a55-9c3e-5d2c7b1f0a02/croissant.json")
        #expect(versions[1]["etl:rows"] == 9)
        #expect(versions[1]["dct:license"]?["@id"] == "https://creativecommons.org/licenses/by/4.0/")
    }

    @Test("what a version does not say of itself is left out, and a licence in words stays words")
    func silence() throws {
        let shop = try #require(Catalog.document(try Self.entries(), title: "x")["dcat:dataset"]?.items?.last)
        let versions = try #require(shop["dcat:hasVersion"]?.items)
        #expect(versions[0]["dct:license"]?["rdfs:label"] == "as agreed, see contract")
        #expect(versions[1]["dct:title"] == "shop")
        for absent in ["dct:license", "dct:publisher", "dct:description"] {
            #expect(versions[1][absent] == nil)
        }
        #expect(Catalog.document([], title: "x")["dcat:dataset"] == [])
    }

    @Test("equal entries give equal bytes, whatever their order")
    func deterministic() throws {
        let entries = try Self.entries()
        #expect(Catalog.file(entries) == Catalog.file(entries.reversed()))
        #expect(Catalog.file(entries).path == "catalog.jsonld")
    }

    private static let reading = """
        import json, sys
        import rdflib
        from pyld import jsonld
        def refuse(url, options=None):
            raise RuntimeError("needs the network: " + url)
        jsonld.set_document_loader(refuse)
        text, base = open(sys.argv[1]).read(), "https://data.example/store/catalog.jsonld"
        quads = jsonld.to_rdf(json.loads(text), {"base": base, "format": "application/n-quads"}).splitlines()
        graph = rdflib.Graph().parse(data=text, format="json-ld", publicID=base)
        assert len(set(quads)) == len(graph), (len(set(quads)), len(graph))
        dcat, root = rdflib.Namespace("http://www.w3.org/ns/dcat#"), rdflib.URIRef(base)
        assert (root, rdflib.RDF.type, dcat.Catalog) in graph
        assert len(list(graph.objects(root, dcat.dataset))) == 2
        assert len(list(graph.subject_objects(dcat.hasVersion))) == 5
        urls = sorted(str(url) for url in graph.objects(None, dcat.downloadURL))
        assert len(urls) == 3 and all(url.startswith("https://data.example/store/") for url in urls), urls
        # Literals of dates and digests are well formed.
        assert all(value.value is not None for value in graph.objects() if isinstance(value, rdflib.Literal))
        for name in [str(term) for triple in graph for term in triple if isinstance(term, rdflib.URIRef)]:
            assert name.split(":")[0] in ("http", "https", "urn"), name
        print(len(graph), "triples")
        """

    @Test("JSON-LD readers get the same triples without a network", Published.hasPython)
    func offline() throws {
        let temporary = try TemporaryFolder()
        let path = "\(temporary.path)/catalog.jsonld"
        try Data(Catalog.file(try Self.entries()).bytes).write(to: URL(fileURLWithPath: path))
        let reading = try Published.python(["-c", Self.reading, path])
        #expect(reading.status == 0, "\(reading.output)")
    }
}
