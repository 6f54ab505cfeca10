import Model
import ModuleStore

struct VerifyAction: StoreAction {
    static let name = "verify"
    static let usage = "verify NAME[@VERSION] [--signers FILE]"
    static let options: Set<String> = ["--signers"]

    func run(_ session: StoreSession) throws {
        try session.checkWords(1...1)
        let named = try session.named(session.words[0])
        let name = named.module
        let signers = try session.options.signers.map { path throws(StoreError) in try AllowedSigners(path: path) }
        let display = ByteProgress("verifying", total: bytes(session, named), session.common)
        let result = try session.store.verify(module: name, version: named.version, signers: signers) {
            display.add($0)
        }
        display.finish()
        if !session.common.json {
            for finding in result.findings { Console.error(finding.description) }
            for leftover in result.leftovers { Console.warning(leftover.description) }
        }
        if result.isSound || session.common.json {
            var text =
                "\(name): \(result.versions.count) versions, \(result.files) files, \(Console.size(result.bytes)): every digest and the chain of records agree"
            for key in Set(result.signedBy.values).sorted() {
                let versions = result.signedBy.filter { $0.value == key }.keys.sorted().map(String.init)
                text +=
                    "\nsigned by \(key)\(signers == nil ? ", whoever that is" : ""): \(versions.joined(separator: ", "))"
            }
            for version in result.pulled {
                text += "\nversion \(version) was pulled alone: the ones before it are not here to be checked"
            }
            session.tell(
                .record([
                    "module": .text(name), "versions": .list(result.versions.map { .integer(Int64($0)) }),
                    "withdrawn": .list(result.withdrawn.map { .integer(Int64($0)) }),
                    "signed_by": .object(
                        result.signedBy.sorted { $0.key < $1.key }.map { .init("\($0.key)", .text($0.value)) }),
                    "pulled": .list(result.pulled.map { .integer(Int64($0)) }),
                    "files": .integer(Int64(result.files)), "bytes": .integer(result.bytes),
                    "is_sound": .boolean(result.isSound),
                    "findings": .list(result.findings.map(\.json)),
                    "leftovers": .list(result.leftovers.map(\.json)),
                ]), text)
        }
        if !result.isSound {
            throw Stop(.checkFailed, session.common.json ? nil : "\(name): \(result.findings.count) findings")
        }
    }

    /// As the records state them; one that cannot be read is a finding later.
    private func bytes(_ session: StoreSession, _ named: StoreSession.Named) -> Int64 {
        let versions = named.version.map { [$0] } ?? (try? session.store.versions(module: named.module)) ?? []
        return versions.reduce(0) { sum, version in
            sum + ((try? session.store.record(module: named.module, version: version))?.bytes ?? 0)
        }
    }
}

extension Finding {
    fileprivate var json: JSON {
        .record(["kind": .text(kind.rawValue), "path": .text(path), "detail": .text(detail)])
    }
}
