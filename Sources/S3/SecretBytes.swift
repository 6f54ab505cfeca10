internal import CCrypto

/// Secret bytes that are zeroed on release and never print.
///
/// `@unchecked Sendable`: written by `init` alone, read-only afterwards.
@safe package final class SecretBytes: @unchecked Sendable, CustomStringConvertible {
    private let memory: UnsafeMutableRawBufferPointer

    package init(_ text: String) {
        var text = text
        let count = text.utf8.count
        unsafe memory = UnsafeMutableRawBufferPointer.allocate(byteCount: count, alignment: 1)
        text.withUTF8 { unsafe memory.copyMemory(from: UnsafeRawBufferPointer($0)) }
    }

    package init(byteCount: Int, fill: (UnsafeMutableRawBufferPointer) -> Void) {
        unsafe memory = UnsafeMutableRawBufferPointer.allocate(byteCount: byteCount, alignment: 1)
        unsafe memory.initializeMemory(as: UInt8.self, repeating: 0)
        unsafe fill(memory)
    }

    deinit {
        unsafe OPENSSL_cleanse(memory.baseAddress, memory.count)
        unsafe memory.deallocate()
    }

    var isEmpty: Bool { unsafe memory.isEmpty }

    package func withBytes<Result>(_ body: (UnsafeRawBufferPointer) -> Result) -> Result {
        unsafe body(UnsafeRawBufferPointer(memory))
    }

    /// The bytes as text, for a header of one request.
    func reveal() -> String { unsafe withBytes { unsafe String(decoding: $0, as: UTF8.self) } }

    package var description: String { "(secret)" }
}
