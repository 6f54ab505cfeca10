import CKernels
import KernelCheck
import Testing

extension KernelTests {
    /// The table of versions: what it says about this machine, and what it does when a version is broken.
    @Suite("choosing a version")
    struct SelfTests {
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

        @Test("a version that fails its self-test is replaced by the next one, and the list says so")
        func fallback() throws {
            defer { kernel_pretend_failure(nil, nil) }
            for kernel in Set(selfTestRows().map(\.kernel)) {
                let before = selfTestRows().filter { $0.kernel == kernel && $0.isAvailable }
                let best = try #require(before.first)
                #expect(best.isSelected)
                guard before.count > 1 else { continue }
                // The names must outlive the call: the kernel keeps them until the next one.
                unsafe kernel.withCString { kernelName in
                    unsafe best.version.withCString { versionName in
                        unsafe kernel_pretend_failure(kernelName, versionName)
                        let after = selfTestRows().filter { $0.kernel == kernel && $0.isAvailable }
                        #expect(!after[0].hasPassed && !after[0].isSelected, "\(kernel)")
                        #expect(after[1].hasPassed && after[1].isSelected, "\(kernel)")
                        kernel_pretend_failure(nil, nil)
                    }
                }
            }
        }

        @Test("a failed self-test is told in words, with what is used instead; without one there is nothing to tell")
        func warnings() throws {
            defer { kernel_pretend_failure(nil, nil) }
            #expect(KernelLevels.warnings.isEmpty)
            for kernel in Set(selfTestRows().map(\.kernel)) {
                let available = selfTestRows().filter { $0.kernel == kernel && $0.isAvailable }
                let failing = try #require(available.first)
                let next = available.dropFirst().first ?? failing
                // The names must outlive the call: the kernel keeps them until the next one.
                unsafe kernel.withCString { kernelName in
                    unsafe failing.version.withCString { versionName in
                        unsafe kernel_pretend_failure(kernelName, versionName)
                        #expect(
                            KernelLevels.warnings == [
                                "the self-test of kernel \(kernel), version \(failing.version), failed; \(next.version) is used"
                            ])
                        #expect(KernelLevels.summary.contains("\(kernel) \(next.version)"))
                        kernel_pretend_failure(nil, nil)
                    }
                }
            }
        }

        @Test("plain is a level of every machine, an unknown name changes nothing")
        func levels() {
            #expect(machineLevels().first == "plain")
            let known = unsafe "plain".withCString { unsafe kernel_force_level($0) }
            let unknown = unsafe "fastest".withCString { unsafe kernel_force_level($0) }
            #expect(known && !unknown)
            #expect(unsafe String(cString: kernel_level()) == "plain")
            for row in selfTestRows() where row.isSelected { #expect(row.version == "plain", "\(row.kernel)") }
            _ = kernel_force_level(nil)
            #expect(unsafe String(cString: kernel_level()) == "auto")
        }
    }
}
