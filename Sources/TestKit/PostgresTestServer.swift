package import Foundation

/// A PostgreSQL server for tests, named by the environment variable `ETL_TEST_PG` (a URL of a superuser), and databases
/// of it that live as long as a test. It drives `psql`, so that what the product reads is made and checked by another.
package struct PostgresTestServer: Sendable {
    package let url: URL

    /// nil: no server was given, and tests that need one skip.
    package static let shared: PostgresTestServer? = ProcessInfo.processInfo.environment["ETL_TEST_PG"]
        .flatMap { URL(string: $0) }.map { PostgresTestServer(url: $0) }

    package static let reasonToSkip = "ETL_TEST_PG names no PostgreSQL server"

    /// A folder of the shared data sets, or nil where they are not there.
    package static func sharedData(_ name: String) -> String? {
        let root =
            ProcessInfo.processInfo.environment["ETL_SHARED"]
            ?? URL(fileURLWithPath: #filePath).deletingLastPathComponent().deletingLastPathComponent()
            .deletingLastPathComponent().appendingPathComponent("../shared").standardizedFileURL.path
        let folder = "\(root)/data/\(name)"
        return FileManager.default.fileExists(atPath: folder) ? folder : nil
    }

    /// Makes a database, hands it on and drops it, whatever happens.
    package func withDatabase<Result>(_ name: String, _ body: (PostgresTestDatabase) throws -> Result) throws -> Result
    {
        let unique = "etlx_\(name)_\(ProcessInfo.processInfo.processIdentifier)_\(UInt32.random(in: 0 ... .max))"
        let maintenance = PostgresTestDatabase(name: url.lastPathComponent, url: url.absoluteString)
        try maintenance.run("CREATE DATABASE \"\(unique)\" TEMPLATE template0 ENCODING 'UTF8'")
        defer { _ = try? maintenance.run("DROP DATABASE \"\(unique)\" WITH (FORCE)") }
        return try body(
            PostgresTestDatabase(
                name: unique, url: url.deletingLastPathComponent().appendingPathComponent(unique).absoluteString))
    }
}

package struct PostgresTestDatabase: Sendable {
    package let name: String
    package let url: String

    package struct Failure: Error, CustomStringConvertible {
        package let description: String
    }

    package init(name: String, url: String) {
        self.name = name
        self.url = url
    }

    /// The same database for another role.
    package func url(user: String, password: String) -> String {
        var parts = URLComponents(string: url)!
        parts.user = user
        parts.password = password
        return parts.string!
    }

    /// Runs SQL by `psql`, each statement in its own transaction unless it says otherwise; what it prints, unaligned.
    @discardableResult
    package func run(_ sql: String) throws -> String {
        String(decoding: try shell("psql \"$DATABASE\" -X -q -A -t -v ON_ERROR_STOP=1 -f -", input: sql), as: UTF8.self)
    }

    /// Loads a dump by a shell command that prints it.
    package func load(_ command: String) throws {
        _ = try shell("\(command) | psql \"$DATABASE\" -X -q -o /dev/null")
    }

    /// Runs a shell command with the database's URL in `$DATABASE`; its output, or a failure with its errors.
    @discardableResult
    package func shell(_ command: String, input: String = "") throws -> Data {
        let process = Process()
        process.executableURL = URL(fileURLWithPath: "/bin/sh")
        process.arguments = ["-c", command]
        process.environment = ProcessInfo.processInfo.environment.merging(["DATABASE": url]) { $1 }
        // Files, not pipes: nobody waits for anybody.
        let folder = FileManager.default.temporaryDirectory.appendingPathComponent("etlx-\(UUID().uuidString)")
        try FileManager.default.createDirectory(at: folder, withIntermediateDirectories: true)
        defer { try? FileManager.default.removeItem(at: folder) }
        let files = ["in", "out", "err"].map { folder.appendingPathComponent($0) }
        try Data(input.utf8).write(to: files[0])
        for file in files.dropFirst() { try Data().write(to: file) }
        process.standardInput = try FileHandle(forReadingFrom: files[0])
        process.standardOutput = try FileHandle(forWritingTo: files[1])
        process.standardError = try FileHandle(forWritingTo: files[2])
        try process.run()
        process.waitUntilExit()
        guard process.terminationStatus == 0 else {
            throw Failure(description: String(decoding: try Data(contentsOf: files[2]), as: UTF8.self))
        }
        return try Data(contentsOf: files[1])
    }
}
