import CKernels
import Testing

#if canImport(Glibc)
import Glibc
#elseif canImport(Musl)
import Musl
#endif

@Suite("delimited files: kernels of fields")
struct FieldKernelTests {
    @Test("what is no number is not converted: floating point notices nothing")
    func nothingIsConverted() {
        let invalid: CInt = 1  // FE_INVALID on x86 and Arm
        unsafe withUnsafeTemporaryAllocation(byteCount: 192, alignment: 64) { memory in
            unsafe memory.initializeMemory(as: UInt8.self, repeating: 0)
            unsafe memory.storeBytes(of: UInt8(ascii: "x"), toByteOffset: 64, as: UInt8.self)
            var field = kernel_csv_field(start: 0, size: 1)
            var out = [Float(1)]
            var validity: [UInt8] = [0]
            var statuses: [UInt8] = [0]
            unsafe withUnsafePointer(to: &field) { field in
                var column = unsafe kernel_csv_column(
                    bytes: memory.baseAddress!.assumingMemoryBound(to: UInt8.self) + 64, fields: field, stride: 1,
                    rows: 1, quote: 34, escape: 0, has_escape: 0, empty_is_null: 1, null_bytes: nil, null_ends: nil,
                    null_count: 0)
                // Once before, so that nothing is left to be linked, which would write over the stack.
                for _ in 0..<2 {
                    feclearexcept(invalid)
                    Self.leaveSignals(depth: 16)
                    let failed = unsafe kernel_csv_read_float32(&column, &out, &validity, 0, &statuses)
                    let raised = fetestexcept(invalid)
                    #expect(failed == 1 && raised == 0)
                }
            }
            #expect(out == [0] && validity == [0] && statuses == [UInt8(KERNEL_CSV_WRONG)])
        }
    }

    /// Fills the stack below the caller with signalling NaNs: to convert one raises FE_INVALID.
    @inline(never) private static func leaveSignals(depth: Int) {
        unsafe withUnsafeTemporaryAllocation(of: UInt64.self, capacity: 120) { words in
            unsafe words.initialize(repeating: 0x7ff4_0000_0000_0001)
            if depth > 0 { leaveSignals(depth: depth - 1) }
        }
    }
}
