import Testing

extension KernelTests {
    /// Every kernel at every level of this machine against its plain reference, on columns of random bytes.
    @Suite("levels against references")
    struct DifferentialTests {
        /// Reports the first column on which a level differs, with seed and shape.
        private func compare(
            _ kind: KernelKind, _ what: String, _ shapes: (ValueLayout, inout Seeded) -> [ColumnShape]
        ) throws {
            var random = Seeded.fresh(for: "\(kind), \(what)")
            let kernel = try kind.make(&random)
            let cases = shapes(kind.layout, &random).map { shape in
                var column = ColumnFixture(
                    lengths: shape.lengths, nulls: shape.nulls, firstOffset: shape.firstOffset, random: &random)
                kernel.prepare(&column, &random)
                return (shape: shape, column: column, expected: kernel.expected(column))
            }
            atEachLevel { level in
                let wrong = cases.first { kernel.run($0.column, $0.shape.distance) != $0.expected }?.shape.description
                #expect(wrong == nil, "\(kind) at \(level), seed \(random.seed)")
            }
        }

        @Test("lengths 0 to 200 and 1 MiB", arguments: KernelKind.allCases)
        func everyLength(kind: KernelKind) throws {
            try compare(kind, "lengths") { layout, _ in ColumnShape.everyLength(layout) }
        }

        @Test("0 to 40 values", arguments: KernelKind.allCases)
        func everyCount(kind: KernelKind) throws {
            try compare(kind, "counts") { ColumnShape.everyCount($0, &$1) }
        }

        @Test("all null patterns of up to eight rows, random ones of more", arguments: KernelKind.allCases)
        func everyNullPattern(kind: KernelKind) throws {
            try compare(kind, "nulls") { ColumnShape.everyNullPattern($0, &$1) }
        }

        @Test("64 alignments of all buffers", arguments: KernelKind.allCases)
        func everyAlignment(kind: KernelKind) throws {
            try compare(kind, "alignments") { ColumnShape.everyAlignment($0, &$1) }
        }
    }
}
