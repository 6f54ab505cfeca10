import Foundation
import Model
import Testing

@testable import Worker

@Suite("How sources and targets are reached")
struct TransportCheckTests {
    private func document(source: String, target: String = "{directory: modules}") -> String {
        """
        format: 1
        module: clinic
        title: Clinic
        description: Patients.
        sources:
          db: \(source)
        tables:
          patients: {from: db.public.patients, columns: {id: keep}}
        target: \(target)
        """
    }

    /// What is said of how places are reached.
    private func told(_ text: String, _ environment: [String: String] = [:]) -> [Problem] {
        let (_, problems) = DocumentCheck.check(text: text, path: "/tmp/clinic.yaml", environment: environment)
        return problems.filter { $0.found.contains("nobody checks who answers") }
    }

    private func database(_ url: String, _ more: String = "") -> String { "{kind: postgres, url: \"\(url)\"\(more)}" }
    private static let word = ", allow_unverified_tls: true"

    @Test(
        "off loopback a source needs sslmode=verify-full or the document's word",
        arguments: [
            "", "?sslmode=disable", "?sslmode=allow", "?sslmode=prefer", "?sslmode=require", "?sslmode=verify-ca",
        ])
    func source(_ mode: String) throws {
        let url = "postgresql://reader@db.example/shop\(mode)"
        let refused = told(document(source: database(url)))
        #expect(refused.map(\.severity) == [.error])
        let name = mode.isEmpty ? "prefer" : String(mode.dropFirst(9))
        let problem = try #require(refused.first)
        #expect(problem.found.contains("the source \"db\": sslmode=\(name) for db.example"))
        #expect(problem.remedy?.contains("allow_unverified_tls: true") == true && problem.position?.line == 6)
        // With the word those that may be plain are warnings still.
        let warned = told(document(source: database(url, Self.word)))
        #expect(warned.map(\.severity) == (["require", "verify-ca"].contains(name) ? [] : [.warning]))
        #expect(warned.allSatisfy { $0.found.contains("unencrypted") })
        // A password is in none of it.
        let secret = told(document(source: database("postgresql://u:hunter2@db.example/shop\(mode)")))
        #expect(secret.count == 1 && !"\(secret)".contains("hunter2"))
    }

    @Test(
        "loopback, sockets and a verified server need no word",
        arguments: [
            "postgresql://u@127.0.0.1:5432/shop", "postgresql://u@localhost/shop", "postgresql://u@[::1]/shop",
            "host=/run/postgresql dbname=shop", "postgresql://u@db.example/shop?sslmode=verify-full",
        ])
    func fine(_ url: String) {
        #expect(told(document(source: database(url))).isEmpty)
        #expect(
            told(document(source: database("postgresql://u@127.0.0.1/s"), target: "{postgres: {url: \"\(url)\"}}"))
                .isEmpty)
    }

    @Test("targets and the database of claims need the word too, at the coordinator as well")
    func targets() throws {
        let local = database("postgresql://u@127.0.0.1/s")
        for (target, name) in [
            ("{postgres: {url: \"postgresql://u@lake.example/d?sslmode=require\"MORE}}", "the target: sslmode=require"),
            (
                "{s3: {bucket: data, claims: \"postgresql://u@lake.example/d\"MORE}}",
                "the database of claims: sslmode=prefer"
            ),
        ] {
            let refused = document(source: local, target: target.replacingOccurrences(of: "MORE", with: ""))
            #expect(told(refused).map(\.severity) == [.error] && told(refused)[0].found.contains(name))
            let failure = #expect(throws: TaskFailure.self) { try publication(refused) }
            #expect(failure?.kind == .document && failure?.message.contains(name) == true)
            let allowed = document(source: local, target: target.replacingOccurrences(of: "MORE", with: Self.word))
            #expect(!told(allowed).contains { $0.severity == .error })
            _ = try publication(allowed)
        }
    }

    private func publication(_ text: String) throws -> TargetSpec {
        try DocumentCheck.publication(
            of: Array(text.utf8), path: "/tmp/clinic.yaml",
            bounds: DocumentBounds(
                baseDirectory: "/tmp", targetEndpoints: [#require(DocumentBounds.Endpoint("*"))]), environment: [:]
        ).target
    }

    @Test("an endpoint in the clear is a warning off loopback, whether the document or the environment names it")
    func endpoints() {
        func target(_ endpoint: String) -> String {
            document(
                source: database("postgresql://u@127.0.0.1/s"), target: "{s3: {bucket: data\(endpoint)}}")
        }
        let plain = told(target(", endpoint: \"http://s3.example:9000\""))
        #expect(plain.map(\.severity) == [.warning] && plain[0].found.contains("http://s3.example:9000"))
        let several = told(target(", endpoint: [\"https://a.example\", \"http://b.example\", \"http://c.example/\"]"))
        #expect(several.count == 2 && several.allSatisfy { !$0.found.contains("a.example") })
        for fine in [
            "", ", endpoint: \"https://s3.example\"", ", endpoint: \"http://127.0.0.1:9000\"",
            ", endpoint: \"http://[::1]:9000\"", ", endpoint: \"http://localhost\"",
        ] { #expect(told(target(fine)).isEmpty, "\(fine)") }
        let environment = ["AWS_ENDPOINT_URL_S3": "http://user:hunter2@s3.example/"]
        let named = told(target(""), environment)
        #expect(named.count == 1 && named[0].found.contains("http://s3.example:") && !"\(named)".contains("hunter2"))
        #expect(told(target(", endpoint: \"https://s3.example\""), environment).isEmpty)
        let files = """
            format: 1
            module: clinic
            title: Clinic
            description: Patients.
            sources:
              labs: {kind: csv, path: "s3://data/labs/*.csv", s3: {endpoint: "http://s3.example"}}
            tables:
              labs: {from: labs, columns: {id: keep}}
            target: {directory: modules}
            """
        #expect(told(files).map(\.severity) == [.warning])
    }

    @Test("of a store or a ledger that no document names there is a warning")
    func warnings() {
        let check = TransportCheck(environment: [:])
        func warning(_ url: String) -> String? { check.warning("the ledger", database: Secret(url, written: "test")) }
        #expect(
            warning("postgresql://u:hunter2@db.example/l")?.contains("the ledger: sslmode=prefer for db.example")
                == true)
        #expect(warning("postgresql://u:hunter2@db.example/l")?.contains("hunter2") == false)
        #expect(warning("postgresql://u@127.0.0.1/l") == nil && warning("sqlite:/tmp/l") == nil)
        #expect(check.bucketWarning("s3://data") == nil)
        let environment = TransportCheck(environment: ["AWS_ENDPOINT_URL": "http://s3.example"])
        #expect(environment.bucketWarning("s3://data")?.contains("http://s3.example") == true)
    }
}
