import Foundation
import Synchronization

/// moto's S3 server, one for all tests of this process; it ends with the process.
package final class MotoServer: Sendable {
    /// nil: there is no Python of the tests, or it has no moto.
    package static let shared = MotoServer()
    package let endpoint: String

    private init?() {
        guard let python = ProcessInfo.processInfo.environment["ETL_TEST_PYTHON"] else { return nil }
        let process = Process()
        process.executableURL = URL(fileURLWithPath: python)
        // The parent's end closes the pipe, by which the child sees that it is to leave.
        process.arguments = [S3TestServer.script("s3_servers.py"), "moto"]
        let (output, input) = (Pipe(), Pipe())
        process.standardOutput = output
        process.standardInput = input
        process.standardError = FileHandle.nullDevice
        guard (try? process.run()) != nil else { return nil }
        var line = Data()
        while let byte = try? output.fileHandleForReading.read(upToCount: 1), !byte.isEmpty, byte[0] != 0x0a {
            line += byte
        }
        guard let port = Int(String(decoding: line, as: UTF8.self)) else { return nil }
        endpoint = "http://127.0.0.1:\(port)"
        Self.held.withLock { $0 = input }
    }

    /// Our end of the pipe lives as long as this process.
    private static let held = Mutex<Pipe?>(nil)
}
