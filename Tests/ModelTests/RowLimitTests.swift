import Testing

@testable import Model

@Suite("how many rows a rule may drop") struct RowLimitTests {
    @Test("a number or a percentage is read and written back, nothing else is read")
    func texts() {
        for (text, limit) in [
            ("0", RowLimit.count(0)), ("100", .count(100)), ("0%", .share(0)), ("1%", .share(10_000)),
            ("2.5%", .share(25_000)), ("0.0001%", .share(1)), ("100%", .share(1_000_000)),
        ] {
            #expect(RowLimit(text) == limit)
            #expect(limit.description == text)
        }
        for text in [
            "", "%", "-1", "-1%", "1.5", "101%", "100.0001%", "0.00001%", "1 %", "1e2", "1.%", ".5%", "9999%", "one",
            "+1%", "1%%", "99999999999999999999",
        ] {
            #expect(RowLimit(text) == nil, "\(text)")
        }
    }

    @Test("a limit holds up to itself, however large the table")
    func edges() {
        #expect(RowLimit.count(3).allows(3, of: 3) && !RowLimit.count(3).allows(4, of: 1000))
        #expect(RowLimit.standard.allows(1, of: 100) && !RowLimit.standard.allows(1, of: 99))
        #expect(RowLimit.standard.allows(0, of: 0))
        #expect(RowLimit.share(1_000_000).allows(.max, of: .max))
        #expect(!RowLimit.share(999_999).allows(.max, of: .max))
    }
}
