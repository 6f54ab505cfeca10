import Model
import ModuleStore

struct PullAction: StoreAction {
    static let name = "pull"
    static let usage = "pull NAME[@VERSION] FOLDER"

    func run(_ session: StoreSession) throws {
        try session.checkWords(2...2)
        let (module, version) = try session.versionNamed(session.words[0])
        guard !session.words[1].contains("://") else {
            throw Stop(.wrongDocument, "pull brings a version into a folder; copy goes from store to store")
        }
        let target = try openStore(session.words[1], mayBeNew: true)
        let display = Lazily { ByteProgress("pulling", total: $0, session.common) }
        let copied = try session.store.pull(module: module, version: version, into: target) {
            display.show($0.bytesDone, of: $0.bytesTotal)
        }
        display.finish()
        let folder = target.folder(copied.record)
        let kept = copied.filesKept > 0 ? ", \(copied.filesKept) were there already" : ""
        session.tell(
            .record(["module": .text(module), "folder": .text(folder), "pulled": copied.json]),
            copied.wasThere
                ? "\(module)@\(version) was there already\n  \(folder)"
                : "pulled \(module)@\(version): \(copied.filesCopied) files, \(Console.size(copied.bytesCopied))\(kept), every digest agrees\n  \(folder)"
        )
    }
}
