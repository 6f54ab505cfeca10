import Foundation
import Testing

@testable import Model

@Suite struct DataTypeTests {
    static let scalars: [DataType] = [
        .boolean, .int16, .int32, .int64, .float32, .float64, .decimal(precision: 1, scale: 0),
        .decimal(precision: 38, scale: 38), .decimal(precision: 12, scale: 2), .text, .binary, .date,
        .timestamp(isUTC: false), .timestamp(isUTC: true),
    ]

    @Test("a scalar type's name means that type", arguments: scalars)
    func roundTrip(_ type: DataType) throws {
        #expect(DataType(name: type.description) == type)
        #expect(DataType(name: type.description.uppercased()) == type)
        #expect(try JSONDecoder().decode(DataType.self, from: JSONEncoder().encode(type)) == type)
    }

    @Test("names of SQL mean the same types")
    func synonyms() {
        #expect(DataType(name: "bigint") == .int64)
        #expect(DataType(name: "double") == .float64)
        #expect(DataType(name: "numeric(10)") == .decimal(precision: 10, scale: 0))
        #expect(DataType(name: "numeric( 10 , 2 )") == .decimal(precision: 10, scale: 2))
    }

    @Test(
        "anything else is no type",
        arguments: [
            "", "integr", "decimal", "decimal()", "decimal(0)", "decimal(39)", "decimal(5,6)", "decimal(5,-1)",
            "decimal(5,2,1)", "decimal(5,2", "decimal(a)", "text(5)", "list<text>", "struct<>", "(5)", "decimal(,2)",
        ])
    func others(_ name: String) { #expect(DataType(name: name) == nil) }

    @Test("every offered name is one, with numbers for P and S")
    func offered() {
        for name in DataType.names {
            let whole = name.replacingOccurrences(of: "P,S", with: "12,2")
            #expect(DataType(name: whole)?.description == whole)
        }
    }

    @Test("nested types say what is inside")
    func nested() {
        let type = DataType.list(.structure([Field(name: "a", type: .text), Field(name: "b", type: .list(.int64))]))
        #expect(type.description == "list<struct<a: text, b: list<int64>>>")
    }
}

@Suite struct LimitsTests {
    @Test("a worker stops before its lease ends, and speaks often enough to keep it")
    func leases() {
        #expect(Limits.pollInterval < Limits.heartbeatInterval)
        #expect(Limits.heartbeatInterval * 2 < Limits.selfFenceTime, "one lost heartbeat is no reason to stop")
        #expect(Limits.selfFenceTime < Limits.leaseTime, "a worker stops before its shard is granted again")
        #expect(Limits.heartbeatInterval + Limits.requestTimeout < Limits.selfFenceTime)
        #expect(Limits.watchdogTime < Limits.selfFenceTime, "a new socket is tried before a task is given up")
        #expect(
            Limits.ledgerLease + Limits.standbyInterval < Limits.selfFenceTime,
            "what workers have in hand outlives a take-over")
        #expect(Limits.leadTime < Limits.ledgerLease, "a coordinator stops before another leads")
        #expect(Limits.watchdogTime < Limits.coordinatorPatience)
        #expect(Limits.joinPatience <= Limits.coordinatorPatience)
    }

    @Test("what is written fits into what holds it")
    func sizes() {
        #expect(Limits.rowsPerPage <= Limits.rowsPerChunk)
        #expect(Limits.rowsPerRowGroup % Limits.rowsPerChunk == 0, "row groups end with a chunk")
        #expect(Limits.bytesPerPage <= Limits.bytesPerRowGroup)
        #expect(Limits.bytesPerDictionary <= Limits.bytesPerPage)
        #expect(Limits.bufferedBytesPerRowGroup <= Limits.bytesPerRowGroup)
        #expect(Limits.bytesPerChunk < Limits.bytesPerRowGroup)
        // A slice of bytes travels as base64 in a message: four thirds of its size, and a head.
        #expect(Limits.bytesPerFetchedSlice * 4 / 3 + 1_024 <= Limits.bytesPerMessage)
        #expect(Limits.rowsPerChunk <= Int(Int32.max) && Limits.bytesPerCell < Int(Int32.max), "offsets have 32 bits")
    }

    @Test("a failing shard is given up at some time, a crashing one sooner")
    func patience() {
        #expect(Limits.crashesPerShard >= 1 && Limits.crashesPerShard <= Limits.failuresPerShard)
    }
}

@Suite struct ModuleTests {
    @Test("paths of a module sort as their numbers do")
    func layout() {
        #expect(ModuleLayout.commitRecord(version: 7) == "_versions/00000007.json")
        #expect(ModuleLayout.tombstone(version: 12) == "_versions/00000012.withdrawn.json")
        #expect(ModuleLayout.run("0190") == "runs/0190")
        #expect(ModuleLayout.part(table: "patients", shard: 3) == "data/patients/part-00003.parquet")
        #expect(
            ModuleLayout.stagedPart(attempt: "0190", table: "patients", shard: 3, epoch: 2)
                == "_staging/0190/patients/part-00003.e0002.parquet")
        #expect(ModuleLayout.part(table: "t", shard: 123_456) == "data/t/part-123456.parquet")
        #expect(ModuleLayout.commitRecord(version: 99_999_999) > ModuleLayout.commitRecord(version: 9_999_999))
    }

    @Test("rows are balanced when every row read is accounted for, and no count is negative")
    func accounts() {
        #expect(RowAccount().isBalanced)
        let first = RowAccount(read: 10, published: 5, dropped: 2, suppressed: 2, filtered: 1)
        #expect(first.isBalanced)
        #expect(!RowAccount(read: 10, published: 9).isBalanced)
        #expect(!RowAccount(read: 0, published: 1, filtered: -1).isBalanced)
        #expect(!RowAccount(read: -2, published: .max, dropped: .max).isBalanced)
        #expect(RowAccount(read: .max, published: .max).isBalanced)
        #expect(
            first + RowAccount(read: 1, published: 1)
                == RowAccount(
                    read: 11, published: 6, dropped: 2, suppressed: 2, filtered: 1))
        #expect((first + RowAccount(read: 1)).isBalanced == false)
    }

    @Test("SHA-256 gives the standard's answers")
    func sha256() {
        #expect(SHA256.hexadecimal("") == "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855")
        #expect(SHA256.hexadecimal("abc") == "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad")
        #expect(
            SHA256.hexadecimal("abcdbcdecdefdefgefghfghighijhijkijkljklmklmnlmnomnopnopq")
                == "248d6a61d20638b8e5c026930c3e6039a33ce45964ff2167f6ecedd419db06c1")
        #expect(
            SHA256.hexadecimal([UInt8](repeating: 0x61, count: 1_000_000))
                == "cdc76e5c9914fb9281a1c7e284d73e67f1809a48a497200e046d39ccc7112cd0")
    }
}
