internal import CKernels
package import Model

/// One version of one kernel, as its self-test found it.
package struct KernelVersion: Sendable, Equatable {
    /// `hmac-sha256`, `aes-cmac`, `aes-ff1`, `token-text`, `mask`, `luhn`, `entities`.
    package let kernel: String
    /// `avx512`, `shani`, `plain`, …
    package let version: String
    /// This processor has the instructions.
    package let isAvailable: Bool
    /// The recorded answers came out; false when not available.
    package let hasPassed: Bool
    /// Calls use this version.
    package let isSelected: Bool
}

/// Which instructions the kernels use: `kernel_dispatch.h` for Swift.
package enum KernelLevels {
    /// Names of the levels that this machine has, best last; `plain` is always the first.
    package static var ofThisMachine: [String] {
        var names = unsafe [UnsafePointer<CChar>?](repeating: nil, count: 16)
        let count = unsafe kernel_levels(&names, names.count)
        // The names are static strings.
        return unsafe names.prefix(count).compactMap { unsafe $0.map { unsafe String(cString: $0) } }
    }

    /// The forced level, or `auto`: the best version of each kernel.
    package static var inForce: String { unsafe String(cString: kernel_level()) }

    /// `ETL_KERNELS` names a level that does not exist or that this machine lacks, and was ignored.
    package static var isEnvironmentRefused: Bool { kernel_environment_refused() }

    /// Every version of every kernel, after running its self-test. Cost: a few milliseconds.
    package static func selfTest() -> [KernelVersion] {
        // The kernel fills the array up to its capacity; names are static strings.
        var rows = unsafe [kernel_self_test_row](repeating: kernel_self_test_row(), count: 64)
        let count = unsafe kernel_self_test(&rows, rows.count)
        return unsafe rows.prefix(count).map { row in
            unsafe KernelVersion(
                kernel: String(cString: row.kernel), version: String(cString: row.version), isAvailable: row.available,
                hasPassed: row.passed, isSelected: row.selected)
        }
    }

    /// What metadata records of the kernels of this process.
    package static var identity: KernelIdentity {
        let versions = selfTest()
        let selected = versions.filter(\.isSelected)
        return KernelIdentity(
            level: inForce,
            versions: Dictionary(selected.map { ($0.kernel, $0.version) }, uniquingKeysWith: { first, _ in first }),
            hasPassedSelfTests: versions.allSatisfy { $0.hasPassed || !$0.isAvailable })
    }

    /// What a log says at the start: the level, and which version of each kernel is used.
    package static var summary: String {
        let used = selfTest().filter(\.isSelected).map { "\($0.kernel) \($0.version)" }
        return "kernels: level \(inForce); \(used.joined(separator: ", "))"
    }

    /// A sentence for each thing that a person should know before figures of this machine are trusted: a version that failed
    /// its self-test and what is used in its place, an ETL_KERNELS that was ignored. Empty when all is well.
    package static var warnings: [String] {
        let versions = selfTest()
        let failures = versions.filter { $0.isAvailable && !$0.hasPassed }.map { failed in
            let used = versions.first { $0.kernel == failed.kernel && $0.isSelected }
            return "the self-test of kernel \(failed.kernel), version \(failed.version), failed; "
                + "\(used?.version ?? failed.version) is used"
        }
        return (isEnvironmentRefused ? ["ETL_KERNELS names no level of this machine and is ignored"] : []) + failures
    }

    /// Runs `body` with one level forced, then goes back to the level before.
    ///
    /// For commands and tests: other threads that are inside kernels meanwhile change their level too.
    /// - Precondition: the machine has the level.
    package static func forced<Result>(_ level: String, _ body: () -> Result) -> Result {
        let before = inForce
        force(level)
        defer { force(before) }
        return body()
    }

    private static func force(_ level: String) {
        let isThere = unsafe level.withCString { unsafe kernel_force_level($0) }
        precondition(isThere, "only levels of this machine are forced")
    }
}
