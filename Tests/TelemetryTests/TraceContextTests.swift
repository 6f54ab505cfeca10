import Testing

@testable import Telemetry

@Suite("A trace context")
struct TraceContextTests {
    /// The example of the recommendation.
    static let example = "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01"

    @Test("is read and written as W3C says")
    func reading() throws {
        let context = try #require(TraceContext(Self.example))
        #expect(context.traceID == "4bf92f3577b34da6a3ce929d0e0e4736" && context.spanID == "00f067aa0ba902b7")
        #expect(context.isSampled && context.description == Self.example)
        let other = try #require(TraceContext(Self.example.dropLast(2) + "fe"))
        #expect(!other.isSampled && other.description == Self.example.dropLast(2) + "00", "unknown flags are dropped")
    }

    @Test(
        "has one form",
        arguments: [
            "", "00", "01-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01",
            "ff-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01",
            "00-00000000000000000000000000000000-00f067aa0ba902b7-01",
            "00-4bf92f3577b34da6a3ce929d0e0e4736-0000000000000000-01",
            "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01-extra",
            "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-1", " " + example, example + "\n", example + "0",
            "00-4bf92f3577b34da6a3ce929d0e0e47360-0f067aa0ba902b7-01",
        ])
    func refusing(text: String) {
        #expect(TraceContext(text) == nil)
    }

    @Test("comes back from its text; one wrong character anywhere and it does not")
    func roundTrips() {
        let seed = UInt64.random(in: 0 ... .max)
        var dice = Dice(seed)
        for _ in 0..<100 {
            let context = TraceContext.random(isSampled: Bool.random(using: &dice), using: &dice)
            let text = context.description
            #expect(TraceContext(text) == context && text.utf8.count == 55, "seed \(seed)")
            let place = Int.random(in: 0..<55, using: &dice)
            for wrong in ["A", "g", " ", "é", "\u{0}", "٣"] {
                let changed = text.prefix(place) + wrong + text.dropFirst(place + 1)
                #expect(TraceContext(String(changed)) == nil, "seed \(seed), place \(place)")
            }
        }
    }

    @Test("has children of its trace, each another span")
    func children() {
        let root = TraceContext.random(isSampled: false)
        let children = (0..<200).map { _ in root.child() }
        #expect(children.allSatisfy { $0.traceID == root.traceID && !$0.isSampled })
        #expect(Set(children.map(\.spanID) + [root.spanID]).count == 201)
        #expect(Set((0..<200).map { _ in TraceContext.random().traceID }).count == 200)
    }
}
