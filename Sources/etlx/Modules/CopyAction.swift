import Coordinator
import Model
import ModuleStore

struct CopyAction: StoreAction {
    static let name = "copy"
    static let usage = "copy NAME[@VERSION] TO-STORE"

    func run(_ session: StoreSession) throws {
        try session.checkWords(2...2)
        let named = try session.named(session.words[0])
        let target = try openStore(session.words[1], mayBeNew: true)
        let shown = shownStore(session.words[1])
        let display = Lazily { ByteProgress("copying", total: $0, session.common) }
        let copied = try session.store.copy(
            module: named.module, versions: named.version.map { [$0] }, to: target
        ) { display.show($0.bytesDone, of: $0.bytesTotal) }
        display.finish()
        _ = try? StoreCatalog.write(target)
        let lines = try copied.map { try line($0, target, shown) }
        session.tell(
            .record(["module": .text(named.module), "to": .text(shown), "versions": .list(copied.map(\.json))]),
            lines.joined(separator: "\n"))
    }

    private func line(_ copied: CopiedVersion, _ target: Store, _ shown: String) throws -> String {
        let name = "\(copied.record.module)@\(copied.record.version)"
        let isWithdrawnThere = try target.isWithdrawn(module: copied.record.module, version: copied.record.version)
        if copied.isWithdrawn, !isWithdrawnThere {
            return "\(name): withdrawn here, but \(shown) still has its files; withdraw it there too"
        }
        if copied.wasThere { return "\(name): was there already" }
        if copied.isWithdrawn { return "\(name): withdrawn; its record and its tombstone copied" }
        let kept = copied.filesKept > 0 ? ", \(copied.filesKept) were there already" : ""
        return "\(name): \(copied.filesCopied) files, \(Console.size(copied.bytesCopied)) copied to \(shown)\(kept)"
    }
}

/// A display whose total is known with the first report.
final class Lazily {
    private let make: (Int64) -> ByteProgress
    private var display: ByteProgress?

    init(_ make: @escaping (Int64) -> ByteProgress) { self.make = make }

    func show(_ done: Int64, of total: Int64) {
        let display = self.display ?? make(total)
        self.display = display
        display.show(done)
    }

    func finish() { display?.finish() }
}

extension CopiedVersion {
    var json: JSON {
        .record([
            "version": .integer(Int64(record.version)), "was_there": .boolean(wasThere),
            "is_withdrawn": .boolean(isWithdrawn), "files_copied": .integer(Int64(filesCopied)),
            "files_kept": .integer(Int64(filesKept)), "bytes_copied": .integer(bytesCopied),
        ])
    }
}
