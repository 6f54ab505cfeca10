import Foundation

/// A real S3 server for tests, named by the environment variable `ETL_TEST_S3`: its endpoints on loopback, separated by
/// spaces, all over the same objects; user and secret are "testing". Buckets are made by boto3, so that another program
/// than the product does it.
package struct S3TestServer: Sendable {
    package let endpoints: [String]
    private let python: String

    /// nil: no server was given, or no Python to make buckets with; tests that need one skip.
    package static let shared: S3TestServer? = {
        let environment = ProcessInfo.processInfo.environment
        guard let python = environment["ETL_TEST_PYTHON"], let text = environment["ETL_TEST_S3"] else { return nil }
        let endpoints = text.split(whereSeparator: \.isWhitespace).map(String.init)
        return endpoints.isEmpty ? nil : S3TestServer(endpoints: endpoints, python: python)
    }()

    /// moto: it checks no signatures, so requests to it can be falsified on their way.
    package static let moto: S3TestServer? = {
        guard let python = ProcessInfo.processInfo.environment["ETL_TEST_PYTHON"], let moto = MotoServer.shared else {
            return nil
        }
        return S3TestServer(endpoints: [moto.endpoint], python: python)
    }()
    package static let reasonForNoMoto = "the Python of ETL_TEST_PYTHON has no moto"

    package static let reasonToSkip: String = {
        let told = ProcessInfo.processInfo.environment["ETL_TEST_S3_ABSENT"] ?? ""
        return told.isEmpty ? "ETL_TEST_S3 names no S3 server, or ETL_TEST_PYTHON no Python" : told
    }()
    package static let environment = ["AWS_ACCESS_KEY_ID": "testing", "AWS_SECRET_ACCESS_KEY": "testing"]

    package struct Failure: Error, CustomStringConvertible {
        package let description: String
    }

    static func script(_ name: String) -> String {
        URL(fileURLWithPath: #filePath).deletingLastPathComponent()
            .appendingPathComponent("../../Tests/EndToEnd/\(name)").standardizedFileURL.path
    }

    /// A new bucket, empty; it stays, the server goes with the tests.
    package func makeBucket(isVersioned: Bool = false) throws -> String {
        let name = "etl-\(ProcessInfo.processInfo.processIdentifier)-\(UInt32.random(in: 0 ... .max))"
        let process = Process()
        process.executableURL = URL(fileURLWithPath: python)
        process.arguments =
            [Self.script("s3_servers.py"), "bucket", endpoints[0], name] + (isVersioned ? ["versioned"] : [])
        process.environment = ProcessInfo.processInfo.environment.merging(Self.environment) { $1 }
        try process.run()
        process.waitUntilExit()
        guard process.terminationStatus == 0 else { throw Failure(description: "no bucket could be made") }
        return name
    }

    /// One such proxy before each endpoint.
    package func withProxies<Result>(_ faults: [String], _ body: ([String]) throws -> Result) throws -> Result {
        func put(_ rest: ArraySlice<String>, _ proxies: [String]) throws -> Result {
            guard let endpoint = rest.first else { return try body(proxies) }
            return try withProxy(faults, before: endpoint) { try put(rest.dropFirst(), proxies + [$0]) }
        }
        return try put(endpoints[...], [])
    }

    /// Puts a proxy that loses and falsifies before an endpoint (the first), for the time of `body`, which gets its
    /// endpoint.
    package func withProxy<Result>(
        _ faults: [String], before endpoint: String? = nil, _ body: (String) throws -> Result
    ) throws -> Result {
        guard let port = URL(string: endpoint ?? endpoints[0])?.port else {
            throw Failure(description: "an endpoint without port")
        }
        let process = Process()
        let pipe = Pipe()
        process.executableURL = URL(fileURLWithPath: python)
        process.arguments = [Self.script("fault_proxy.py"), "\(port)"] + faults
        process.standardOutput = pipe
        try process.run()
        defer {
            // Not SIGTERM: a child of one of the tests' threads inherits that thread's blocked signals.
            kill(process.processIdentifier, SIGKILL)
            process.waitUntilExit()
        }
        guard let line = String(data: pipe.fileHandleForReading.availableData, encoding: .utf8),
            let own = Int(line.trimmingCharacters(in: .whitespacesAndNewlines))
        else { throw Failure(description: "the proxy did not start") }
        return try body("http://127.0.0.1:\(own)")
    }
}
