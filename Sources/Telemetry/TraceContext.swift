/// Where a piece of work stands in a trace: the `traceparent` of W3C Trace Context, version 00. Identifiers are random.
///
/// - Format: `00-<32 hex: trace>-<16 hex: span>-<2 hex: flags>`, lower case; neither identifier is zero. Of the flags
///   only the lowest bit, *sampled*, has a meaning; the others are ignored and written as 0.
package struct TraceContext: Hashable, Sendable, CustomStringConvertible {
    private let trace: [UInt64]
    private let span: UInt64
    package let isSampled: Bool

    private init(trace: [UInt64], span: UInt64, isSampled: Bool) {
        self.trace = trace
        self.span = span
        self.isSampled = isSampled
    }

    /// nil for every other form, also of another version: who cannot read a trace starts a new one.
    package init?(_ text: String) {
        let pieces = text.split(separator: "-", omittingEmptySubsequences: false)
        guard pieces.map(\.utf8.count) == [2, 32, 16, 2], pieces[0] == "00",
            let high = TraceContext.number(pieces[1].utf8.prefix(16)),
            let low = TraceContext.number(pieces[1].utf8.suffix(16)), high | low != 0,
            let span = TraceContext.number(pieces[2].utf8), span != 0,
            let flags = TraceContext.number(pieces[3].utf8)
        else { return nil }
        self.init(trace: [high, low], span: span, isSampled: flags & 1 == 1)
    }

    /// The root of a new trace.
    package static func random(
        isSampled: Bool = true, using generator: inout some RandomNumberGenerator
    ) -> TraceContext {
        TraceContext(
            trace: [.random(in: 0 ... .max, using: &generator), .random(in: 1 ... .max, using: &generator)],
            span: .random(in: 1 ... .max, using: &generator), isSampled: isSampled)
    }

    /// Another span of the same trace.
    package func child(using generator: inout some RandomNumberGenerator) -> TraceContext {
        TraceContext(trace: trace, span: .random(in: 1 ... .max, using: &generator), isSampled: isSampled)
    }

    package var traceID: String { trace.map(TraceContext.digits).joined() }
    package var spanID: String { TraceContext.digits(span) }
    package var description: String { "00-\(traceID)-\(spanID)-\(isSampled ? "01" : "00")" }

    private static func digits(_ number: UInt64) -> String {
        let digits = String(number, radix: 16)
        return String(repeating: "0", count: 16 - digits.count) + digits
    }

    /// At most 16 lower-case digits.
    private static func number(_ digits: some Collection<UInt8>) -> UInt64? {
        var number: UInt64 = 0
        for digit in digits {
            switch digit {
            case 0x30...0x39: number = number << 4 | UInt64(digit - 0x30)
            case 0x61...0x66: number = number << 4 | UInt64(digit - 0x57)
            default: return nil
            }
        }
        return number
    }
}

extension TraceContext {
    package static func random(isSampled: Bool = true) -> TraceContext {
        var generator = SystemRandomNumberGenerator()
        return random(isSampled: isSampled, using: &generator)
    }

    package func child() -> TraceContext {
        var generator = SystemRandomNumberGenerator()
        return child(using: &generator)
    }
}
