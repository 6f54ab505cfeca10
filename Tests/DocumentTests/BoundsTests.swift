import Foundation
import Model
import Testing

@testable import Document

/// What a submitted document may have a process of a cluster do: nothing that no option gives.
@Suite("Documents of others")
struct BoundsTests {
    /// A folder with a base directory, one for placeholders, one for targets, and things outside.
    private final class Place {
        let root = FileManager.default.temporaryDirectory.appendingPathComponent("etlx-\(UUID().uuidString)").path
        let bounds: DocumentBounds

        init() throws {
            let files = FileManager.default
            for folder in ["base/labs", "secrets", "targets", "outside"] {
                try files.createDirectory(atPath: "\(root)/\(folder)", withIntermediateDirectories: true)
            }
            for (path, text) in [
                ("base/k.key", "k"), ("base/labs/a.csv", "id\n1\n"), ("outside/k.key", "k"), ("outside/url", "x"),
                ("secrets/url", "postgresql://app:CANARY7f3a@inner.example/d\n"), ("secrets/pw", "CANARY7f3a"),
            ] { try Data(text.utf8).write(to: URL(fileURLWithPath: "\(root)/\(path)")) }
            for (link, to) in [("base/out", "outside"), ("secrets/out", "outside/url"), ("targets/out", "outside")] {
                try files.createSymbolicLink(atPath: "\(root)/\(link)", withDestinationPath: "\(root)/\(to)")
            }
            bounds = DocumentBounds(
                baseDirectory: "\(root)/base", placeholderDirectory: "\(root)/secrets", placeholderPrefix: "HOSPITAL_",
                targetDirectories: ["\(root)/targets"], targetEndpoints: [.init("https://s3.example")!],
                sourceEndpoints: [.init("postgresql://db.example:5432")!])
        }
        deinit { try? FileManager.default.removeItem(atPath: root) }

        func errors(_ text: String, _ bounds: DocumentBounds? = nil) -> [String] {
            let reading = unsafe PipelineReader.examine(
                text: text, path: "/elsewhere/d.yaml", bounds: bounds ?? self.bounds, environment: Fixture.environment,
                digest: Fixture.digest)
            let told = reading.problems.filter { $0.severity == .error }.map(\.description)
            #expect(!told.joined().contains(Fixture.canary), "what stands on the machine is never told")
            #expect((reading.pipeline == nil) == !told.isEmpty)
            return told
        }
    }

    private static let csv = "{kind: csv, path: \"labs/*.csv\"}"
    private static func document(
        _ more: String = "", source: String = csv, table: String = "{from: s, columns: {id: keep}}", target: String
    ) -> String { Fixture.document(more, source: source, table: table, target: target) }

    @Test("a document within the bounds reads as a pipeline, and relative paths start at the base directory")
    func within() throws {
        let place = try Place()
        let target = "{directory: \"\(place.root)/targets/clinic/new\"}"
        #expect(place.errors(Self.document("keys: {k: {file: k.key}}", target: target)) == [])
        let table = "{from: s.public.t, columns: {id: keep}}"
        for url in [
            "${file:url}", "${env:HOSPITAL_URL}", "postgresql://app:${file:pw}@db.example/d",
            "host=db.example user=app password=${env:HOSPITAL_PW}",
        ] {
            #expect(
                place.errors(Self.document(source: "{kind: postgres, url: \"\(url)\"}", table: table, target: target))
                    == [], "\(url)")
        }
        #expect(place.errors(Self.document(target: "{s3: {bucket: data, endpoint: \"https://s3.example\"}}")) == [])
    }

    @Test("placeholders stand for secrets alone, of the given folder and prefix")
    func placeholders() throws {
        let place = try Place()
        let target = "{directory: \"\(place.root)/targets\"}"
        func url(_ text: String) -> String {
            Self.document(
                source: "{kind: postgres, url: \"\(text)\"}", table: "{from: s.public.t, columns: {id: keep}}",
                target: target)
        }
        for text in [
            "${file:\(place.root)/outside/url}", "${file:../outside/url}", "${file:out}", "${file:/etc/passwd}",
            "${file:absent/../../outside/url}", "${file:/proc/self/environ}",
        ] {
            let told = place.errors(url(text))
            #expect(told.count == 1 && told[0].contains("--placeholder-directory"), "\(text): \(told)")
        }
        for text in ["${env:PATH}", "${env:KEY_DIR}", "${env:NOT_A_URL}"] {
            let told = place.errors(url(text))
            #expect(told.count == 1 && told[0].contains("--placeholder-prefix"), "\(text): \(told)")
        }
        let value = "\"${file:pw}\""
        for more in ["title: \(value)", "module: \(value)", "compliance: {purpose: \(value)}"] {
            #expect(!place.errors(Self.document(more, target: target)).isEmpty, "\(more)")
        }
        for text in [
            Self.document(source: "{kind: csv, path: \(value)}", target: target),
            Self.document(table: "{from: s, columns: {id: {constant: \(value)}}}", target: target),
            Self.document(target: "{directory: \(value)}"),
            Self.document(target: "{s3: {bucket: data, endpoint: \(value)}}"),
            Self.document(target: "{s3: {bucket: data, prefix: \(value), endpoint: \"https://s3.example\"}}"),
            // The same words at another place.
            Self.document(table: "{from: s, columns: {url: {map: {url: \(value)}}}}", target: target),
        ] { #expect(!place.errors(text).isEmpty, "\(text)") }
    }

    @Test("files lie below the base directory, symbolic links followed; targets below their folders")
    func folders() throws {
        let place = try Place()
        let good = "{directory: \"\(place.root)/targets\"}"
        for path in [
            "\(place.root)/outside/k.key", "../outside/k.key", "out/k.key", "/etc/passwd", "absent/../../outside/k.key",
        ] {
            let told = place.errors(Self.document("keys: {k: {file: \"\(path)\"}}", target: good))
            #expect(told.count == 1 && told[0].contains("--base-directory"), "\(path): \(told)")
        }
        for path in ["/etc/*", "../outside/*", "labs/../../outside/*.csv", "\(place.root)/outside/*"] {
            let told = place.errors(Self.document(source: "{kind: csv, path: \"\(path)\"}", target: good))
            #expect(told.count == 1 && told[0].contains("--base-directory"), "\(path): \(told)")
        }
        for folder in [
            "\(place.root)/outside", "\(place.root)/targets/../outside", "\(place.root)/targets/out",
            "\(place.root)/targets/out/new", "/", "./targets", "\(place.root)/targets2",
            "\(place.root)/targets/absent/../../outside",
        ] {
            let told = place.errors(Self.document(target: "{directory: \"\(folder)\"}"))
            #expect(told.count == 1 && told[0].contains("--target-directory"), "\(folder): \(told)")
        }
        #expect(
            !place.errors(
                Self.document(
                    target: "{s3: {bucket: data, endpoint: \"https://s3.example\", certificates: /etc/passwd}}")
            ).isEmpty)
    }

    @Test("servers that a document names are those of the lists, however it writes them")
    func servers() throws {
        let place = try Place()
        let good = "{directory: \"\(place.root)/targets\"}"
        func told(source url: String) -> [String] {
            place.errors(
                Self.document(
                    source: "{kind: postgres, url: \"\(url)\"}", table: "{from: s.public.t, columns: {id: keep}}",
                    target: good))
        }
        for url in [
            "postgresql://evil.example/d", "postgresql://db.example:1/d", "postgresql://db.example,evil.example/d",
            "postgresql://u:p@evil.example/d", "postgresql://db.example@evil.example/d", "postgresql:///d",
            "postgresql://db.example/d?host=evil.example", "postgresql://db.example/d?hostaddr=192.0.2.1",
            "postgresql://db.example/d?service=x", "postgresql://db.example/d?passfile=/etc/passwd",
            "postgresql://db.example/d?sslkey=/etc/x", "postgresql://%64b.evil/d",
            "postgresql://db.example?x=@evil.example/d",
            "host=evil.example dbname=d", "host=db.example hostaddr=192.0.2.1 dbname=d", "dbname=d",
            "service=x dbname=d",
            "host=db.example host=evil.example dbname=d", "host=/tmp dbname=d",
            "host='db.example,evil.example' dbname=d",
            "host = 'evil.example' dbname=d", "host=db.example port=1 dbname=d", "host=db\\\\.example dbname=d",
        ] {
            let told = told(source: url)
            #expect(
                told.count == 1 && told[0].contains("--source-endpoint") && !told[0].contains("evil"), "\(url): \(told)"
            )
        }
        for url in [
            "postgresql://DB.example/d", "postgres://u:p%40@db.example:5432/d?sslmode=verify-full",
            "host=db.example port=5432 dbname=d",
        ] {
            #expect(told(source: url) == [], "\(url)")
        }
        for target in [
            "{s3: {bucket: data}}", "{s3: {bucket: data, endpoint: \"https://evil.example\"}}",
            "{s3: {bucket: data, endpoint: \"http://s3.example\"}}",
            "{s3: {bucket: data, endpoint: [\"https://s3.example\", \"https://evil.example\"]}}",
            "{s3: {bucket: data, endpoint: \"https://s3.example@evil.example\"}}",
            "{s3: {bucket: data, endpoint: \"https://s3.example\", region: \"x.evil/\"}}",
            "{s3: {bucket: data, endpoint: \"https://s3.example\", claims: \"postgresql://evil.example/d\"}}",
            "{postgres: {url: \"postgresql://db.example/d\"}}",
        ] {
            let told = place.errors(Self.document(target: target))
            #expect(told.count == 1 && told[0].contains("--target-endpoint"), "\(target): \(told)")
        }
        #expect(!place.errors(Self.document(source: "{kind: csv, path: \"s3://labs/*.csv\"}", target: good)).isEmpty)
    }

    @Test("without options everything is refused, by the name of the option")
    func closed() throws {
        let place = try Place()
        for (text, option) in [
            (Self.document(target: "{directory: \"\(place.root)/targets\"}"), "--target-directory"),
            (Self.document(target: "{s3: {bucket: data, endpoint: \"https://s3.example\"}}"), "--target-endpoint"),
            (Self.document(target: "{directory: \"/\"}"), "--base-directory"),
            (
                Self.document("keys: {k: {file: \"${file:k}/k\"}}", target: "{directory: \"/\"}"),
                "--placeholder-directory"
            ),
            (Self.document("keys: {k: {file: \"${env:K}/k\"}}", target: "{directory: \"/\"}"), "--placeholder-prefix"),
        ] {
            let told = place.errors(text, DocumentBounds()).joined(separator: "\n")
            #expect(told.contains("was started without \(option)"), "\(option): \(told)")
        }
    }

    @Test("what a coordinator reads of a document is held within the same bounds, and nothing of its files is told")
    func coordinators() throws {
        let place = try Place()
        func errors(_ text: String) -> [String] {
            do {
                _ = unsafe try PipelineReader.readPublication(
                    text: text, path: "/d.yaml", bounds: place.bounds, environment: Fixture.environment,
                    digest: Fixture.digest)
                return []
            } catch { return error.problems.map(\.description) }
        }
        #expect(errors(Self.document(target: "{directory: \"\(place.root)/targets/x\"}")) == [])
        for text in [
            Self.document("title: \"${file:/etc/hostname}\"", target: "{directory: \"\(place.root)/targets\"}"),
            Self.document("title: \"${env:HOSPITAL_PW}\"", target: "{directory: \"\(place.root)/targets\"}"),
            Self.document(target: "{directory: \"${file:pw}\"}"), Self.document(target: "{directory: /}"),
            Self.document(target: "{s3: {bucket: data, endpoint: \"http://169.254.169.254\"}}"),
            Self.document(target: "{postgres: {url: \"postgresql://169.254.169.254:80/d\"}}"),
            Self.document(target: "{postgres: {url: \"${file:../outside/url}\"}}"),
        ] {
            let told = errors(text)
            #expect(!told.isEmpty && !told.joined().contains(Fixture.canary), "\(text)")
        }
    }

    @Test("a list's entry is a server, with or without its port")
    func endpoints() throws {
        typealias Endpoint = DocumentBounds.Endpoint
        for text in [
            "", "db.example", "ftp://x", "https://", "https://u@h", "https://h/path", "https://h?x", "https://h:0",
            "https://h:x", "postgresql://h:99999", "https://h h",
        ] {
            #expect(Endpoint(text) == nil, "\(text)")
        }
        #expect(try #require(Endpoint("https://S3.Example")).allows(try #require(Endpoint("https://s3.example:444"))))
        #expect(try #require(Endpoint("https://s3.example:443")).allows(try #require(Endpoint("https://s3.example"))))
        #expect(
            !(try #require(Endpoint("https://s3.example:443")).allows(try #require(Endpoint("https://s3.example:444"))))
        )
        #expect(!(try #require(Endpoint("https://s3.example")).allows(try #require(Endpoint("http://s3.example")))))
        #expect(try #require(Endpoint("*")).allows(try #require(Endpoint("postgresql://[::1]:5432"))))
        #expect(!(try #require(Endpoint("https://s3.example")).allows(try #require(Endpoint("*")))))
    }
}
