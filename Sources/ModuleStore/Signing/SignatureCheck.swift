import Model

/// The check of a version's signature, over bytes that were read as its `SHA256SUMS`.
struct SignatureCheck {
    let store: Store
    let record: CommitRecord
    let signers: AllowedSigners?

    func findings(sums: [UInt8]) -> [Finding] {
        guard let stated = record.signedBy else {
            return signers == nil ? [] : [finding(.missing, "the version is not signed")]
        }
        guard let file = try? store.readFile(record, ModuleLayout.signature) else {
            return [finding(.missing, "the signature that the commit record names is missing or cannot be read")]
        }
        guard let signature = SSHSignature(file: file) else {
            return [finding(.unreadable, "this is no signature of a version by an Ed25519 key")]
        }
        var found: [Finding] = []
        if !signature.isValid(for: sums) {
            found.append(finding(.changed, "\(ModuleLayout.sums) is not the one that was signed"))
        }
        if signature.fingerprint != stated {
            found.append(.ofRecord(record, "the commit record names another key than the one that signed"))
        }
        if let signers, !signers.allow(signature.publicKey, at: store.now() / 1000) {
            found.append(
                finding(.changed, "signed by \(signature.fingerprint), which is not, or not now, among the signers"))
        }
        return found
    }

    private func finding(_ kind: Finding.Kind, _ detail: String) -> Finding {
        Finding(kind: kind, path: "\(store.folderPath(record))/\(ModuleLayout.signature)", detail: detail)
    }
}
