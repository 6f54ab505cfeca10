import CKernels
import Testing

/// All tests of the kernels: one after the other, because a forced level holds for the whole process.
@Suite("kernels", .serialized)
struct KernelTests {}

/// Names of the levels that this machine has.
func machineLevels() -> [String] {
    var names = unsafe [UnsafePointer<CChar>?](repeating: nil, count: 16)
    let count = unsafe kernel_levels(&names, names.count)
    // The names are static strings.
    return unsafe names.prefix(count).map { unsafe String(cString: $0!) }
}

/// Runs `body` once per level of this machine, that level forced, and then goes back to the best.
func atEachLevel(_ body: (String) throws -> Void) rethrows {
    defer { _ = kernel_force_level(nil) }
    for level in machineLevels() {
        let forced = unsafe level.withCString { unsafe kernel_force_level($0) }
        #expect(forced, "\(level)")
        try body(level)
    }
}

struct SelfTestRow {
    var kernel: String
    var version: String
    var isAvailable: Bool
    var hasPassed: Bool
    var isSelected: Bool
}

func selfTestRows() -> [SelfTestRow] {
    // The kernel fills the array up to its capacity; names are static strings.
    var rows = unsafe [kernel_self_test_row](repeating: kernel_self_test_row(), count: 64)
    let count = unsafe kernel_self_test(&rows, rows.count)
    return unsafe rows.prefix(count).map { row in
        unsafe SelfTestRow(
            kernel: String(cString: row.kernel), version: String(cString: row.version),
            isAvailable: row.available, hasPassed: row.passed, isSelected: row.selected)
    }
}
