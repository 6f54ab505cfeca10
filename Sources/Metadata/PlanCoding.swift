import Foundation
package import Model

/// A plan as bytes: JSON with sorted keys, so that equal plans have equal bytes and digests.
package enum PlanCoding {
    package static func text(_ plan: RunPlan) -> String {
        String(decoding: PlanText.bytes(of: plan) { Array(Coding.text($0).utf8) }, as: UTF8.self)
    }

    package static func plan(_ text: String) -> RunPlan? {
        PlanText.plan(
            of: Array(text.utf8), general: { Coding.value(RunPlan.self, String(decoding: $0, as: UTF8.self)) },
            writing: { Array(Coding.text($0).utf8) })
    }

    /// SHA-256 of `text`.
    package static func digest(_ plan: RunPlan) -> String { SHA256.hexadecimal(text(plan)) }
}

/// JSON of our own value types.
enum Coding {
    static func text<Value: Encodable>(_ value: Value) -> String {
        let encoder = JSONEncoder()
        encoder.outputFormatting = [.sortedKeys, .withoutEscapingSlashes]
        guard let data = try? encoder.encode(value) else {
            preconditionFailure("a value of ours has no JSON: a number in it is not finite")
        }
        return String(decoding: data, as: UTF8.self)
    }

    static func value<Value: Decodable>(_ type: Value.Type, _ text: String) -> Value? {
        try? JSONDecoder().decode(type, from: Data(text.utf8))
    }
}
