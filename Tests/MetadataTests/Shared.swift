import Foundation
import Testing

/// Material beside the project that some tests compare with.
enum Shared {
    static var folder: String {
        if let folder = ProcessInfo.processInfo.environment["ETL_SHARED"] { return folder }
        let root = URL(fileURLWithPath: #filePath).deletingLastPathComponent().deletingLastPathComponent()
            .deletingLastPathComponent()
        return root.deletingLastPathComponent().appendingPathComponent("shared").path
    }

    /// Runs a test only where the folder holds a file.
    static func holds(_ path: String) -> ConditionTrait {
        .enabled(if: FileManager.default.fileExists(atPath: "\(folder)/\(path)"), "ETL_SHARED has no \(path)")
    }
}
