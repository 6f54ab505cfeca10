import Foundation
import Model
import ModuleStore
import Testing

@testable import Metadata

@Suite("A published module, seen by others")
struct PublishedModuleTests {
    static let python = ProcessInfo.processInfo.environment["ETL_TEST_PYTHON"]
    static var judge: String { "\(Shared.folder)/tools/check_module.py" }

    /// Writes the parts that the plan of `Fixture` promises.
    private static let writer = """
        import datetime, decimal, sys
        import pyarrow as pa, pyarrow.parquet as pq
        folder, odd_column, odd_member = sys.argv[1:4]
        utc = datetime.timezone.utc
        odd = pa.table({
            "id": pa.array([1, 2, None], pa.int64()),
            odd_column: pa.array(["x", None, ""], pa.string()),
            "tags": pa.array([["a", None], None, []], pa.list_(pa.string())),
            "nested": pa.array([[[1], [2, 3]], None, []], pa.list_(pa.list_(pa.int32()))),
            "s": pa.array(
                [{"x": 1, odd_member: "q", "in": {"d": datetime.date(2020, 1, 1), "l": [1, 2]}}, None,
                 {"x": None, odd_member: None, "in": None}],
                pa.struct([("x", pa.int32()), (odd_member, pa.string()),
                           ("in", pa.struct([("d", pa.date32()), ("l", pa.list_(pa.int64()))]))])),
            "ls": pa.array([[{"x": 1, "y": "k"}, {"x": None, "y": None}], None, []],
                           pa.list_(pa.struct([("x", pa.int32()), ("y", pa.string())]))),
            "sl": pa.array([{"l": [{"x": 1, "z": True}, {"x": 2, "z": None}]}, None, {"l": None}],
                           pa.struct([("l", pa.list_(pa.struct([("x", pa.int32()), ("z", pa.bool_())])))])),
            "dec": pa.array([decimal.Decimal("1.25"), None, decimal.Decimal("-3.00")], pa.decimal128(12, 2)),
            "ldec": pa.array([[decimal.Decimal("1.25")], None, []], pa.list_(pa.decimal128(12, 2))),
            "bin": pa.array([b"\\x00\\xff", None, b""], pa.binary()),
            "local": pa.array([datetime.datetime(2020, 1, 1), None, None], pa.timestamp("us")),
            "utc": pa.array([datetime.datetime(2020, 1, 1, tzinfo=utc), None, None], pa.timestamp("us", "UTC")),
            "row-count": pa.array([1, 2, None], pa.int16()),
            "born": pa.array([1970, None, 1999], pa.int32()),
            "constant": pa.array(["c", "c", "c"], pa.string()),
        })
        labs = pa.table({
            "flag": pa.array([True, None, False]), "value": pa.array([1.5, None, -0.0], pa.float64()),
            "small": pa.array([1.5, None, 0.0], pa.float32()),
            "day": pa.array([datetime.date(2020, 2, 29), None, datetime.date(1999, 1, 1)], pa.date32()),
        })
        pq.write_table(odd, folder + "/odd.parquet")
        pq.write_table(labs, folder + "/labs.parquet")
        """

    private func run(_ arguments: [String]) throws -> (status: Int32, output: String) {
        let process = Process()
        process.executableURL = URL(fileURLWithPath: Self.python ?? "python3")
        process.arguments = arguments
        let pipe = Pipe()
        process.standardOutput = pipe
        process.standardError = pipe
        try process.run()
        let output = pipe.fileHandleForReading.readDataToEndOfFile()
        process.waitUntilExit()
        return (process.terminationStatus, String(decoding: output, as: UTF8.self))
    }

    @Test(
        "third-party readers accept two versions with hostile names, lists and structures",
        .enabled(if: python != nil, "set ETL_TEST_PYTHON to a python with pyarrow and the judge's packages"),
        Shared.holds("tools/check_module.py"),
        arguments: [Fixture.fullCompliance, Fixture.shortCompliance])
    func judged(_ compliance: ModuleAbout.Compliance) throws {
        let temporary = try TemporaryFolder()
        let folder = temporary.path
        let root = "\(folder)/modules"
        let written = try run(["-c", Self.writer, folder, Fixture.oddColumn, Fixture.oddMember])
        try #require(written.status == 0, "\(written.output)")
        let store = Store(directory: root)
        for _ in 1...2 { try publish(store, folder, compliance) }
        let verification = try store.verify(module: "clinic")
        #expect(verification.findings == [])
        let judgement = try run([Self.judge, root, "clinic", "--compliance"])
        #expect(judgement.status == 0, "\(judgement.output)")
        #expect(judgement.output.hasSuffix("passed\n"), "\(judgement.output)")
    }

    private func publish(_ store: Store, _ folder: String, _ compliance: ModuleAbout.Compliance) throws {
        let attempt = try store.beginAttempt(module: "clinic")
        let receipts = try [(Fixture.oddTable, 0), (Fixture.oddTable, 1), ("labs", 0)].map { table, shard in
            let file = table == "labs" ? "labs" : "odd"
            let bytes = try Data(contentsOf: URL(fileURLWithPath: "\(folder)/\(file).parquet"))
            let part = try store.stagePart(module: "clinic", attempt: attempt, table: table, shard: shard, epoch: 1)
            try unsafe bytes.withUnsafeBytes { try unsafe part.write($0) }
            let finished = try part.finish()
            var receipt = Fixture.receipt(table, shard, attempt: attempt)
            receipt.byteCount = finished.byteCount
            receipt.sha256 = finished.sha256
            return receipt
        }
        var plan = Fixture.plan(compliance: compliance)
        plan.tables.append(
            TablePlan(
                name: "nothing", source: "labs", origin: "none/*.csv", statement: nil,
                schemaFingerprint: Fixture.digest,
                columns: Fixture.labColumns, droppedColumns: [], shards: [], estimatedRows: 0, estimatedBytes: 0))
        let described = plan
        let publisher = Publisher(store: store, module: "clinic", attempt: attempt)
        _ = try publisher.publish(
            tables: plan.tables.map(\.name), receipts: receipts, committedAt: Fixture.committed,
            committedBy: "etl-express test",
            expiresAt: compliance.retention.flatMap { Retention($0)?.end(after: Fixture.committed) }
        ) { publication in
            Describe.files(
                ModuleDescription(
                    plan: described, receipts: receipts, publication: publication, run: attempt,
                    startedAt: Fixture.started, endedAt: Fixture.ended, storeLocation: store.location))
        }
    }
}
