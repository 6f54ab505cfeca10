import Secrets
import Testing

struct SecretsTests {
    @Test(
        "what was put in comes out, and nothing of it is printed",
        arguments: ["", "s", "pässword 🔑", String(repeating: "k", count: 10_000)])
    func text(secret: String) {
        let held = WipedBytes(secret)
        #expect(held.reveal() == secret && held.byteCount == secret.utf8.count && held.isEmpty == secret.isEmpty)
        #expect("\(held)" == "(secret)" && String(reflecting: held) == "(secret)")
        var dumped = ""
        dump(held, to: &dumped)
        #expect(secret.utf8.count < 2 || !dumped.contains(secret))
    }

    @Test("bytes that are not filled are zero")
    func bytes() {
        let held = WipedBytes(byteCount: 5_000) { $0[4_999] = 7 }
        #expect(held.withBytes { Array($0) } == [UInt8](repeating: 0, count: 4_999) + [7])
    }
}
