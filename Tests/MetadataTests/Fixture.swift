import Foundation
import Model

@testable import Metadata

/// A plan with one table of each kind of source, lists, structures and hostile names.
enum Fixture {
    static let oddTable = "odd table /..%[x]*?\u{e9}"
    static let oddColumn = "a.b \"c'd/\u{e9}\n{}"
    static let oddMember = "we ird.'\"\\x"

    static let started = "2026-11-23T05:10:00Z"
    static let ended = "2026-11-23T05:29:58Z"
    static let committed = "2026-11-23T05:30:00Z"
    static let run = "019ab2c0-7d11-7a55-9c3e-5d2c7b1f0a01"
    static let digest = SHA256.hexadecimal("document")

    static func about(compliance: ModuleAbout.Compliance?) -> ModuleAbout {
        var about = ModuleAbout(
            module: "clinic", title: "Clinic visits, \"pseudonymised\"",
            description: "One row per patient.\nTwo lines.",
            documentDigest: digest)
        about.license = "https://creativecommons.org/licenses/by/4.0/"
        about.creator = .init(name: "Example Hospital", url: "https://hospital.example")
        about.keywords = ["health", "visits"]
        about.compliance = compliance
        return about
    }

    static var fullCompliance: ModuleAbout.Compliance {
        var compliance = ModuleAbout.Compliance(purpose: "Training of readmission models")
        compliance.legalBasis = ["GDPR Art. 6(1)(e)", "GDPR Art. 9(2)(j)", "Hospital Act, section 7"]
        compliance.controller = "Example Hospital"
        compliance.dataProtectionOfficer = "dpo@hospital.example"
        compliance.dataSubjects = ["patients", "next of kin"]
        compliance.recipients = ["Model team"]
        compliance.personalData = ["health", "pd:Age", "shoe size"]
        compliance.retention = "P5Y"
        compliance.collection = "Routine care records, exported nightly."
        compliance.limitations = ["One hospital only"]
        compliance.biases = ["Older patients are over-represented"]
        compliance.useCases = ["Readmission"]
        return compliance
    }

    /// What the short example of a pipeline document states.
    static var shortCompliance: ModuleAbout.Compliance {
        var compliance = ModuleAbout.Compliance(purpose: "Training of readmission models")
        compliance.legalBasis = ["GDPR Art. 6(1)(e)", "GDPR Art. 9(2)(j)"]
        compliance.controller = "Example Hospital"
        compliance.retention = "P5Y"
        return compliance
    }

    static let token = StepPlan(
        verb: "token", summary: "token(key: people, scope: patient, as: base32, length: 26)", effect: .pseudonymise,
        mapping: .probabilistic, key: "people", scope: "patient", method: "hmac-sha256")
    static let trim = StepPlan(verb: "trim", summary: "trim", effect: .clean, mapping: .lossy, method: "trim")
    static let keep = StepPlan(verb: "keep", summary: "keep", effect: .pass, mapping: .injective, method: "keep")
    static let year = StepPlan(
        verb: "generalize", summary: "generalize(to: year)", effect: .generalise, mapping: .lossy, method: "year")

    static func column(
        _ name: String, _ type: DataType, _ steps: [StepPlan] = [keep], from source: String?? = nil,
        isProtected: Bool = false, mapping: String? = nil
    ) -> ColumnPlan {
        ColumnPlan(
            name: name, type: type, isProtected: isProtected, sourceColumn: source ?? name,
            sourceType: source == .some(nil) ? "" : "type of \(name)", mapping: mapping, steps: steps)
    }

    static let oddColumns: [ColumnPlan] = [
        column("id", .int64),
        column(oddColumn, .text, [trim, token], isProtected: true),
        column("tags", .list(.text)),
        column("nested", .list(.list(.int32))),
        column(
            "s",
            .structure([
                Field(name: "x", type: .int32), Field(name: oddMember, type: .text),
                Field(
                    name: "in",
                    type: .structure([Field(name: "d", type: .date), Field(name: "l", type: .list(.int64))])),
            ])),
        column("ls", .list(.structure([Field(name: "x", type: .int32), Field(name: "y", type: .text)]))),
        column(
            "sl",
            .structure([
                Field(
                    name: "l",
                    type: .list(.structure([Field(name: "x", type: .int32), Field(name: "z", type: .boolean)])))
            ])),
        column("dec", .decimal(precision: 12, scale: 2), mapping: "numeric(12,2)"),
        column("ldec", .list(.decimal(precision: 12, scale: 2))),
        column("bin", .binary),
        column("local", .timestamp(isUTC: false)),
        column("utc", .timestamp(isUTC: true)),
        column("row-count", .int16),
        column("born", .int32, [year], isProtected: true),
        column("constant", .text, [keep], from: .some(nil)),
    ]

    static let labColumns: [ColumnPlan] = [
        column("flag", .boolean), column("value", .float64), column("small", .float32), column("day", .date),
    ]

    static func shards(_ count: Int) -> [Shard] {
        (0..<count).map { Shard(index: $0, piece: .query, estimatedRows: 3, estimatedBytes: 100) }
    }

    static func plan(compliance: ModuleAbout.Compliance?) -> RunPlan {
        let hospital = PostgresIdentity(
            name: "hospital", host: "db.example", port: 5432, database: "clinic db", serverVersion: "15.20",
            systemIdentifier: "7412", serverStart: "2026-11-01T00:00:00Z", isolation: "repeatable read",
            snapshots: ["00000003-0001F2A4-1"], snapshotText: "100:100:", walPosition: "4/9A3C21F8")
        let labs = FilesIdentity(
            name: "labs", files: [.init(path: "labs/a b.csv", byteCount: 12, sha256: SHA256.hexadecimal("a"))],
            dialect: "comma, quoted")
        let odd = TablePlan(
            name: oddTable, source: "hospital", origin: "public.odd <table>",
            statement: "SELECT * FROM public.\"odd <table>\" WHERE deleted_at IS NULL", schemaFingerprint: digest,
            columns: oddColumns, droppedColumns: ["ssn"], shards: shards(2), estimatedRows: 6, estimatedBytes: 200)
        let lab = TablePlan(
            name: "labs", source: "labs", origin: "labs/*.csv", statement: nil, schemaFingerprint: digest,
            columns: labColumns, droppedColumns: [], shards: shards(1), estimatedRows: 3, estimatedBytes: 100)
        return RunPlan(
            about: about(compliance: compliance), codec: .zstd, sources: [.postgres(hospital), .files(labs)],
            keys: [KeyIdentity(name: "people", checkValue: "0123456789abcdef")], tables: [odd, lab], warnings: [])
    }

    static func receipt(_ table: String, _ shard: Int, attempt: String = run, rows: Int64 = 3) -> PartReceipt {
        PartReceipt(
            table: table, shard: shard, epoch: 1,
            stagedPath: ModuleLayout.stagedPart(attempt: attempt, table: table, shard: shard, epoch: 1),
            byteCount: 100, sha256: SHA256.hexadecimal("\(table) \(shard)"),
            rows: RowAccount(read: rows + 1, published: rows, filtered: 1),
            rules: table == oddTable
                ? [RuleCount(column: oddColumn, step: 0, rowsIn: rows, changed: 1, nulls: 1, nulled: 0, dropped: 0)]
                : [])
    }

    static var receipts: [PartReceipt] { [receipt("labs", 0), receipt(oddTable, 1), receipt(oddTable, 0)] }

    static func description(
        compliance: ModuleAbout.Compliance? = fullCompliance, version: Int = 1, receipts: [PartReceipt] = receipts
    ) -> ModuleDescription {
        let parent = version == 1 ? nil : CommitRecord.Parent(version: version - 1, commitSHA256: digest)
        return ModuleDescription(
            plan: plan(compliance: compliance), receipts: receipts,
            publication: Publication(
                module: "clinic", version: version, attempt: run, parent: parent, committedAt: committed,
                committedBy: "etl-express test", expiresAt: "2031-11-23T05:30:00Z"),
            run: run, startedAt: started, endedAt: ended, storeLocation: "/srv/modules")
    }
}

/// A folder of a test's own, gone with it.
final class TemporaryFolder: Sendable {
    let path: String

    init() throws {
        path = NSTemporaryDirectory() + "etlx-metadata-\(UUID().uuidString)"
        try FileManager.default.createDirectory(atPath: path, withIntermediateDirectories: true)
    }

    deinit {
        // Folders of published versions are read-only.
        let folders = FileManager.default.enumerator(atPath: path)?.compactMap { $0 as? String } ?? []
        for folder in folders {
            try? FileManager.default.setAttributes([.posixPermissions: 0o755], ofItemAtPath: "\(path)/\(folder)")
        }
        try? FileManager.default.removeItem(atPath: path)
    }
}
