import Model
import Testing

@testable import Transform

@Suite("many wrong rules") struct ManyProblemsTests {
    /// Documents with `count` rules, each wrong in its way.
    static let ways: [(name: String, steps: @Sendable (Int) -> [Step], found: String)] = [
        ("unknown verbs", { [Step("tokn\($0)")] }, "unknown verb"),
        ("unknown arguments", { [Step("round", .map([("digitz\($0)", 1), ("digits", 1)]))] }, "unknown argument"),
        ("wrong arguments", { _ in [Step("round", "x")] }, "expected a whole number"),
        ("patterns", { _ in [Step("replace", ["pattern": "(?=a)", "with": ""])] }, "a look-ahead"),
        ("types", { _ in [Step("normalize_email"), Step("round", 1)] }, "round does not take text"),
        ("missing columns", { [Step("from", .scalar(.text, "nope\($0)")), Step("keep")] }, "has no source column"),
    ]

    /// What checking and compiling a document of that many rules takes, and how many problems it finds.
    static func examine(_ way: Int, count: Int) -> (time: Duration, problems: ProblemList) {
        let rules = (0..<count).map { Fixture.rule("c\($0)", ways[way].steps($0)) }
        let inputs = (0..<count).map { Fixture.input("c\($0)", .text) }
        var problems = ProblemList(file: "wide.yaml")
        let start = ContinuousClock.now
        PolicyCompiler.check(rules: rules, keyNames: ["people"], into: &problems)
        _ = Fixture.compile(rules, inputs, problems: &problems)
        return (ContinuousClock.now - start, problems)
    }

    @Test(
        "are all told, in time that grows with their number and not faster", .timeLimit(.minutes(5)),
        arguments: ways.indices)
    func linear(way: Int) {
        let few = Self.examine(way, count: 2_000)
        let many = Self.examine(way, count: 32_000)
        #expect(many.problems.problems.count >= 32_000)
        #expect(many.problems.problems.count { $0.description.contains(Self.ways[way].found) } >= 32_000)
        print("\(Self.ways[way].name): \(few.time) for 2,000, \(many.time) for 32,000")
        // Sixteen times as many; quadratic would be 256 times as long. The machine may be busy.
        #expect(many.time < max(few.time * 80, .seconds(2)))
    }

    @Test("the first ones are explained")
    func explained() {
        let problems = Self.examine(0, count: 1_000).problems.problems
        #expect(
            problems.prefix(100).allSatisfy { $0.expected.contains("token") && $0.remedy?.contains("token") == true })
        #expect(problems.last?.expected == "" && problems.last?.remedy == nil)
    }
}
