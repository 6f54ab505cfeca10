import CKernels
import Testing

/// The table of versions: what it says about this machine, and what it does when a version is broken.
@Suite("choosing a version", .serialized)
struct SelfTestTests {
    @Test("every version that this machine has gives the recorded answers")
    func recordedAnswers() {
        let rows = selfTestRows()
        #expect(!rows.isEmpty)
        for row in rows where row.isAvailable {
            #expect(row.hasPassed, "\(row.kernel) \(row.version)")
        }
    }

    @Test("one version of each kernel is in use")
    func oneSelected() {
        let rows = selfTestRows()
        for kernel in Set(rows.map(\.kernel)) {
            #expect(rows.filter { $0.kernel == kernel && $0.isSelected }.count == 1, "\(kernel)")
        }
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
