internal import Foundation
package import Model

/// A receipt that is too long for one message, because its table has some hundred rules: JSON with sorted keys, uploaded in
/// pieces, as a plan is. Equal receipts have equal bytes and digests.
package enum LongReceipt {
    package static func bytes(of receipt: PartReceipt) -> [UInt8] {
        let encoder = JSONEncoder()
        encoder.outputFormatting = [.sortedKeys, .withoutEscapingSlashes]
        guard let data = try? encoder.encode(receipt) else { preconditionFailure("a receipt has a JSON text") }
        return [UInt8](data)
    }

    /// nil: the bytes are no receipt.
    package static func receipt(of bytes: [UInt8]) -> PartReceipt? {
        var scanner = JSONScanner(bytes, in: 0..<bytes.count)
        if let receipt = PartReceipt(scanning: &scanner), scanner.isAtEnd() { return receipt }
        guard JSONNesting.isAtMost(WireFormat.deepestNesting, in: bytes) else { return nil }
        return try? JSONDecoder().decode(PartReceipt.self, from: Data(bytes))
    }

    package static func digest(of receipt: PartReceipt) -> String { SHA256.hexadecimal(bytes(of: receipt)) }
}
