import Model
import Testing

@testable import Extract

@Suite("PostgreSQL shards")
struct PostgresShardsTests {
    private func leaf(_ name: String, blocks: UInt32, bytes: Int64, isHeap: Bool = true) -> PostgresRelation.Leaf {
        PostgresRelation.Leaf(
            schema: "s", name: name, oid: 1, isForeign: false, isHeap: isHeap, isReadable: true, isLockable: true,
            blocks: blocks, byteCount: bytes, estimatedRows: 1000)
    }

    private func relation(_ kind: PostgresRelation.Kind, _ leaves: [PostgresRelation.Leaf]) -> PostgresRelation {
        PostgresRelation(
            origin: .relation(schema: "s", name: "t"), kind: kind, oid: 1, columns: [], leaves: leaves,
            fingerprintText: "")
    }

    @Test("pieces follow on one another, cover all blocks, and the last is open")
    func ranges() {
        let shards = PostgresShards.plan(relation(.table, [leaf("t", blocks: 10, bytes: 1000)]), bytesPerShard: 300)
        #expect(
            shards.map(\.piece) == [
                .blocks(schema: "s", relation: "t", first: 0, limit: 2),
                .blocks(schema: "s", relation: "t", first: 2, limit: 5),
                .blocks(schema: "s", relation: "t", first: 5, limit: 7),
                .blocks(schema: "s", relation: "t", first: 7, limit: nil),
            ])
        #expect(shards.map(\.index) == [0, 1, 2, 3])
        #expect(shards.map(\.estimatedRows) == [250, 250, 250, 250])
    }

    @Test("TOAST counts, but no piece has less than a block; empty tables have one piece")
    func bounds() {
        #expect(PostgresShards.plan(relation(.table, [leaf("t", blocks: 3, bytes: 1 << 40)])).count == 3)
        #expect(PostgresShards.plan(relation(.table, [leaf("t", blocks: 0, bytes: 0)])).count == 1)
        #expect(
            PostgresShards.plan(relation(.table, [leaf("t", blocks: 9, bytes: 1 << 40, isHeap: false)])).map(\.piece)
                == [.query])
    }

    @Test("shards are numbered over leaves")
    func numbering() {
        let shards = PostgresShards.plan(
            relation(
                .partitioned,
                [
                    leaf("a", blocks: 2, bytes: 20), leaf("b", blocks: 0, bytes: 0),
                    leaf("c", blocks: 1, bytes: 5, isHeap: false),
                ]),
            bytesPerShard: 10)
        #expect(shards.map(\.index) == [0, 1, 2, 3])
        #expect(shards[3].piece == .blocks(schema: "s", relation: "c", first: 0, limit: nil))
    }

    @Test("a shard's statement reads one relation alone, under the table's name")
    func statements() {
        let selection = PostgresSelection(
            origin: .relation(schema: "s", name: "t"), expressions: ["\"a\""], filter: "a > 0 -- why")
        #expect(selection.statement == "SELECT \"a\" FROM \"s\".\"t\" WHERE (\na > 0 -- why\n)")
        #expect(
            selection.statement(for: .blocks(schema: "s", relation: "t_1", first: 3, limit: 9))
                == "SELECT \"a\" FROM ONLY \"s\".\"t_1\" AS \"t\" WHERE ctid >= '(3,0)'::pg_catalog.tid AND ctid < '(9,0)'::pg_catalog.tid AND (\na > 0 -- why\n)"
        )
    }
}
