import Foundation
import Model
import ModuleStore
import Testing

@testable import Metadata

/// Versions of `Fixture`'s module on disk, their parts written by pyarrow.
enum Published {
    static let path = ProcessInfo.processInfo.environment["ETL_TEST_PYTHON"]

    static let hasPython = ConditionTrait.enabled(
        if: path != nil, "set ETL_TEST_PYTHON to a python with pyarrow and the packages of ops/requirements-test.txt")

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
        # Field ids as the product's writer sets them: named nodes, depth first.
        def numbered(field, last):
            last[0] += 1
            ids = {b"PARQUET:field_id": str(last[0]).encode()}
            kind = field.type
            if pa.types.is_list(kind):
                kind = pa.list_(numbered(kind.value_field.with_name("element"), last))
            elif pa.types.is_struct(kind):
                kind = pa.struct([numbered(member, last) for member in kind])
            return pa.field(field.name, kind, metadata=ids)
        def with_ids(table):
            last = [0]
            return table.cast(pa.schema([numbered(field, last) for field in table.schema]))
        pq.write_table(with_ids(odd), folder + "/odd.parquet")
        pq.write_table(with_ids(labs), folder + "/labs.parquet")
        """

    static func writeParts(_ folder: String) throws {
        let written = try python(["-c", writer, folder, Fixture.oddColumn, Fixture.oddMember])
        try #require(written.status == 0, "\(written.output)")
    }

    static func python(_ arguments: [String]) throws -> (status: Int32, output: String) {
        let process = Process()
        process.executableURL = URL(fileURLWithPath: path ?? "python3")
        process.arguments = arguments
        let pipe = Pipe()
        process.standardOutput = pipe
        process.standardError = pipe
        try process.run()
        let output = pipe.fileHandleForReading.readDataToEndOfFile()
        process.waitUntilExit()
        return (process.terminationStatus, String(decoding: output, as: UTF8.self))
    }

    /// Publishes the parts of `writeParts` under a plan whose first table is the odd one, and a table without parts.
    static func publish(_ store: Store, parts folder: String, _ plan: RunPlan, iceberg: Bool = false) throws {
        let oddTable = plan.tables[0].name
        let attempt = try store.beginAttempt(module: "clinic")
        let receipts = try [(oddTable, 0), (oddTable, 1), ("labs", 0)].map { table, shard in
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
        var plan = plan
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
            expiresAt: plan.about.compliance?.retention.flatMap { Retention($0)?.end(after: Fixture.committed) }
        ) { publication in
            Describe.files(
                ModuleDescription(
                    plan: described, receipts: receipts, publication: publication, run: attempt,
                    startedAt: Fixture.started, endedAt: Fixture.ended, storeLocation: store.location,
                    iceberg: iceberg))
        }
    }
}
