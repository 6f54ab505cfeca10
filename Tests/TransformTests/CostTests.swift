import Columnar
import Model
import Testing

@testable import Transform

@Suite("cost") struct CostTests {
    /// Seconds depend on the machine and the build, so only a bound that catches a lost kernel is asserted.
    @Test("three tokens, two masks and two generalisations over many rows")
    func manyRows() throws {
        let rowCount = 65_536
        var random = SeededGenerator(seed: 1)
        func words(_ length: Int) -> Column {
            .texts(
                (0..<rowCount).map {
                    "\($0)-" + String(repeating: "x", count: Int.random(in: 0...length, using: &random))
                })
        }
        let inputs: [(String, Column)] = [
            ("id", .fixed((0..<rowCount).map { Int64($0) }, .int64)), ("email", words(20)), ("account", words(12)),
            ("name", words(12)), ("phone", words(8)),
            ("born", .fixed((0..<rowCount).map { Int32($0 % 30_000) }, .date)), ("zip", words(4)),
        ]
        let steps: [[Step]] = [
            [Step("token", ["key": "people", "scope": "id"])], [Step("token", ["key": "people", "scope": "email"])],
            [Step("token", ["key": "people", "scope": "account"])], [Step("mask", ["keep_first": 1])],
            [Step("mask", ["keep_last": 2])], [Step("generalize", ["to": "year"])], [Step("generalize", ["prefix": 3])],
        ]
        var problems = ProblemList(file: nil)
        let transform = try #require(
            Fixture.compile(
                zip(inputs, steps).map { Fixture.rule($0.0, $1) }, inputs.map { Fixture.input($0.0, $0.1.type) },
                problems: &problems))
        let chunk = Chunk(columns: inputs.map(\.1), rowCount: rowCount, firstRow: 0)
        var counts: [RuleCount] = []
        let chunkCount = 31
        let time = try ContinuousClock().measure {
            for _ in 0..<chunkCount { _ = try transform.apply(chunk, counts: &counts) }
        }
        print("cost: \(rowCount * chunkCount) rows through 3 tokens, 2 masks, 2 generalisations in \(time)")
        #expect(counts[0].rowsIn == Int64(rowCount * chunkCount))
        #expect(time < .seconds(60))
    }
}
