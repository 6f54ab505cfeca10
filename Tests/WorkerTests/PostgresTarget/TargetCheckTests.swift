import Foundation
import Model
import Testing

@testable import Worker

@Suite("A document with a target in PostgreSQL")
struct TargetCheckTests {
    private func problems(_ target: String) -> [String] {
        let document = """
            format: 1
            module: clinic
            title: T
            description: D
            license: https://creativecommons.org/licenses/by/4.0/
            url: https://example.org
            creator: {name: E, url: https://example.org}
            sources: {files: {kind: csv, path: a.csv}}
            tables:
              patients: {from: files, columns: {id: keep}}
            target: {postgres: {url: "${env:TARGET}", \(target)}}
            """
        return DocumentCheck.check(
            text: document, path: "/tmp/clinic.yaml", environment: ["TARGET": "postgresql://u:hunter2@127.0.0.1/d"]
        ).problems.filter { $0.severity == .error }.map(\.description)
    }

    @Test("names of tables are those that are published; the nearest one is offered")
    func names() {
        #expect(problems("tables: {patients: {primary_key: id}}") == [])
        let found = problems("tables: {patient: {primary_key: id}}")
        #expect(found.count == 1)
        #expect(
            found.first?.contains("\"patient\"") == true && found.first?.contains("did you mean \"patients\"?") == true)
        #expect(problems("tables: {patients: {references: {id: doctors.id}}}").count == 1)
        #expect(!found.joined().contains("hunter2"))
    }

    private static func column(_ name: String, _ type: DataType = .int64) -> ColumnPlan {
        ColumnPlan(
            name: name, type: type, isProtected: false, sourceColumn: name, sourceType: "", mapping: nil, steps: [])
    }

    private func found(_ columns: [ColumnPlan], promises: [PostgresTargetSpec.TableSpec] = []) throws -> [String] {
        let text = """
            format: 1
            module: clinic
            title: T
            description: D
            license: https://creativecommons.org/licenses/by/4.0/
            url: https://example.org
            creator: {name: E, url: https://example.org}
            sources: {files: {kind: csv, path: a.csv}}
            tables:
              patients: {from: files, columns: {id: keep}}
            target: {postgres: {url: "${env:TARGET}"}}
            """
        let pipeline = try #require(
            DocumentCheck.check(
                text: text, path: "/tmp/clinic.yaml", environment: ["TARGET": "postgresql://127.0.0.1/d"]
            )
            .pipeline)
        var list = ProblemList(file: "clinic.yaml")
        let check = TargetCheck(
            target: PostgresTargetSpec(url: Secret("", written: ""), tables: promises), tables: pipeline.tables)
        check.check(pipeline.tables[0], columns, into: &list)
        check.checkPromises(["patients": columns], into: &list)
        return list.sorted.map(\.description)
    }

    @Test("what a table of PostgreSQL cannot hold is refused before anything is read")
    func columns() throws {
        #expect(try found([Self.column("id"), Self.column("Id")]) == [])
        #expect(try found([Self.column("s", .structure([Field(name: "a", type: .text)]))]).count == 1)
        #expect(try found([Self.column("l", .list(.list(.int32)))]).count == 1)
        #expect(try found([Self.column("xmin")]).count == 1)
        #expect(try found([Self.column(String(repeating: "ä", count: 32))]).count == 1)
        #expect(try found((0...1600).map { Self.column("c\($0)") }).count == 1)
    }

    @Test("promised columns are those that are published")
    func promisedColumns() throws {
        func spec(_ key: [String], _ references: [PostgresTargetSpec.Reference] = []) -> [PostgresTargetSpec.TableSpec]
        {
            [.init(table: "patients", position: Position(line: 9, column: 3), primaryKey: key, references: references)]
        }
        let columns = [Self.column("id"), Self.column("name", .text)]
        #expect(try found(columns, promises: spec(["id"])) == [])
        let wrong = try found(columns, promises: spec(["names"]))
        #expect(wrong.count == 1 && wrong[0].contains("did you mean \"name\"?") && wrong[0].contains("9"))
        let types = try found(
            columns, promises: spec([], [.init(column: "id", table: "patients", target: "name")]))
        #expect(types.count == 1 && types[0].contains("columns of one type"))
    }
}
