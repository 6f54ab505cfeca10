internal import Foundation

/// `ops/test --night` asks for the long form of tests that have two.
package enum Night {
    package static let isAsked = ProcessInfo.processInfo.environment["ETL_NIGHT"] != nil
}
