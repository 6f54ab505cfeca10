import Foundation
package import Model

/// A plan as bytes: JSON with sorted keys, so that equal plans are equal bytes.
package struct PlanCodec: Sendable {
    package init() {}

    package func encode(_ plan: RunPlan) -> [UInt8] { PlanText.bytes(of: plan) { Self.bytes($0) } }

    package func decode(_ bytes: [UInt8]) -> RunPlan? {
        PlanText.plan(
            of: bytes, general: { try? JSONDecoder().decode(RunPlan.self, from: Data($0)) }, writing: { Self.bytes($0) }
        )
    }

    private static func bytes(_ plan: RunPlan) -> [UInt8] {
        let encoder = JSONEncoder()
        encoder.outputFormatting = [.sortedKeys, .withoutEscapingSlashes]
        // A plan is made of texts and whole numbers: encoding it cannot fail.
        return (try? encoder.encode(plan)).map { [UInt8]($0) } ?? []
    }
}
