import Foundation
import Model
import ModuleStore
import Testing

@testable import Metadata

@Suite("A published module, seen by others")
struct PublishedModuleTests {
    static var judge: String { "\(Shared.folder)/tools/check_module.py" }

    @Test(
        "third-party readers accept two versions with hostile names, lists and structures",
        Published.hasPython,
        Shared.holds("tools/check_module.py"),
        arguments: [Fixture.fullCompliance, Fixture.shortCompliance])
    func judged(_ compliance: ModuleAbout.Compliance) throws {
        let temporary = try TemporaryFolder()
        try Published.writeParts(temporary.path)
        let store = Store(directory: "\(temporary.path)/modules")
        for _ in 1...2 { try Published.publish(store, parts: temporary.path, Fixture.plan(compliance: compliance)) }
        let verification = try store.verify(module: "clinic")
        #expect(verification.findings == [])
        let judgement = try Published.python([Self.judge, store.location, "clinic", "--compliance"])
        #expect(judgement.status == 0, "\(judgement.output)")
        #expect(judgement.output.hasSuffix("passed\n"), "\(judgement.output)")
    }
}
