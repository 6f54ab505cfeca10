import Model

@testable import Cluster

/// Each request and each answer with its body, as version 3 of the protocol has it for ever.
enum GoldenFrames {
    static func call(_ request: Request) -> Call { Call(node: "worker-1", credential: "k", request: request) }

    /// The case's name. The switches are whole: a new case does not compile before it has a golden frame.
    static func name(_ request: Request) -> String {
        switch request {
        case .join: "join"
        case .poll: "poll"
        case .heartbeat: "heartbeat"
        case .fetch: "fetch"
        case .upload: "upload"
        case .complete: "complete"
        case .fail: "fail"
        case .release: "release"
        case .leave: "leave"
        case .submit: "submit"
        case .status: "status"
        case .cancel: "cancel"
        }
    }

    static func name(_ reply: Reply) -> String {
        switch reply {
        case .welcome: "welcome"
        case .grant: "grant"
        case .noWork: "noWork"
        case .drain: "drain"
        case .alive: "alive"
        case .slice: "slice"
        case .accepted: "accepted"
        case .fenced: "fenced"
        case .refused: "refused"
        case .unknownNode: "unknownNode"
        case .notLeader: "notLeader"
        case .submitted: "submitted"
        case .status: "status"
        }
    }

    static let failure = TaskFailure(kind: .data, disposition: .failRun, message: "m")

    static let receipt = PartReceipt(
        table: "t", shard: 3, epoch: 2, stagedPath: "p", byteCount: 9, sha256: "00",
        rows: RowAccount(read: 2, published: 2),
        rules: [RuleCount(column: "c", step: 0, rowsIn: 2, changed: 1)])

    static let calls: [(Call, String)] = [
        (
            call(.join(Join(role: .keeper, slots: 2, processID: 7, host: "h", build: "1"))),
            #"{"credential":"k","node":"worker-1","request":{"join":{"_0":{"build":"1","host":"h","processID":7,"role":"keeper","slots":2}}}}"#
        ),
        (
            Call(
                node: "n", credential: "", trace: "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01",
                request: .poll),
            #"{"credential":"","node":"n","request":{"poll":{}},"trace":"00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01"}"#
        ),
        (
            call(.heartbeat(tasks: [TaskProgress(token: 3, rows: 4, bytes: 5)], holding: ["r"])),
            #"{"credential":"k","node":"worker-1","request":{"heartbeat":{"holding":["r"],"tasks":[{"bytes":5,"rows":4,"token":3}]}}}"#
        ),
        (
            call(.fetch(run: "r", text: .plan, offset: 9)),
            #"{"credential":"k","node":"worker-1","request":{"fetch":{"offset":9,"run":"r","text":"plan"}}}"#
        ),
        (
            call(.fetch(run: "r", text: .document, offset: 0)),
            #"{"credential":"k","node":"worker-1","request":{"fetch":{"offset":0,"run":"r","text":"document"}}}"#
        ),
        (
            call(.upload(run: "r", token: 1, offset: 0, total: 3, bytes: "YWJj")),
            #"{"credential":"k","node":"worker-1","request":{"upload":{"bytes":"YWJj","offset":0,"run":"r","token":1,"total":3}}}"#
        ),
        (
            call(.complete(run: "r", token: 1, result: .plan)),
            #"{"credential":"k","node":"worker-1","request":{"complete":{"result":{"plan":{}},"run":"r","token":1}}}"#
        ),
        (
            call(.complete(run: "r", token: 1, result: .held([SnapshotHold(source: "s", snapshot: "00000003-1")]))),
            #"{"credential":"k","node":"worker-1","request":{"complete":{"result":{"held":{"_0":[{"snapshot":"00000003-1","source":"s"}]}},"run":"r","token":1}}}"#
        ),
        (
            call(.complete(run: "r", token: 1, result: .part(receipt))),
            #"{"credential":"k","node":"worker-1","request":{"complete":{"result":{"part":{"_0":{"byteCount":9,"epoch":2,"rows":{"dropped":0,"filtered":0,"published":2,"read":2,"suppressed":0},"rules":[{"changed":1,"column":"c","dropped":0,"nulled":0,"nulls":0,"rowsIn":2,"step":0}],"sha256":"00","shard":3,"stagedPath":"p","table":"t"}}},"run":"r","token":1}}}"#
        ),
        (
            call(.complete(run: "r", token: 1, result: .uploaded(table: "t", shard: 3, sha256: "00"))),
            #"{"credential":"k","node":"worker-1","request":{"complete":{"result":{"uploaded":{"sha256":"00","shard":3,"table":"t"}},"run":"r","token":1}}}"#
        ),
        (
            call(.fail(run: "r", token: 2, failure: failure)),
            #"{"credential":"k","node":"worker-1","request":{"fail":{"failure":{"disposition":"failRun","kind":"data","message":"m","problems":[]},"run":"r","token":2}}}"#
        ),
        (
            call(.release(run: "r", token: 2)),
            #"{"credential":"k","node":"worker-1","request":{"release":{"run":"r","token":2}}}"#
        ),
        (
            call(.leave),
            #"{"credential":"k","node":"worker-1","request":{"leave":{}}}"#
        ),
        (
            call(
                .submit(
                    Submission(
                        id: "i", documentPath: "/p.yaml", restartsOnSnapshotLoss: true, offset: 0, total: 1,
                        bytes: "eA=="))),
            #"{"credential":"k","node":"worker-1","request":{"submit":{"_0":{"bytes":"eA==","documentPath":"/p.yaml","id":"i","offset":0,"restartsOnSnapshotLoss":true,"total":1}}}}"#
        ),
        (
            call(.status(run: "r")),
            #"{"credential":"k","node":"worker-1","request":{"status":{"run":"r"}}}"#
        ),
        (
            call(.status(run: nil)),
            #"{"credential":"k","node":"worker-1","request":{"status":{}}}"#
        ),
        (
            call(.cancel(run: "r")),
            #"{"credential":"k","node":"worker-1","request":{"cancel":{"run":"r"}}}"#
        ),
    ]

    static let replies: [(Reply, String)] = [
        (
            .welcome(credential: "k"),
            #"{"welcome":{"credential":"k"}}"#
        ),
        (
            .grant(Grant(run: "r", task: .plan, epoch: 1, token: 5, attempt: "a", documentPath: "/p.yaml")),
            #"{"grant":{"_0":{"attempt":"a","documentPath":"/p.yaml","epoch":1,"run":"r","snapshots":[],"task":{"plan":{}},"token":5}}}"#
        ),
        (
            .grant(Grant(run: "r", task: .hold, epoch: 1, token: 5, attempt: "a", documentPath: "/p.yaml")),
            #"{"grant":{"_0":{"attempt":"a","documentPath":"/p.yaml","epoch":1,"run":"r","snapshots":[],"task":{"hold":{}},"token":5}}}"#
        ),
        (
            .grant(
                Grant(
                    run: "r", task: .shard(table: "t", index: 3), epoch: 2, token: 6, attempt: "a",
                    documentPath: "/p.yaml", snapshots: [SnapshotHold(source: "s", snapshot: "x")])),
            #"{"grant":{"_0":{"attempt":"a","documentPath":"/p.yaml","epoch":2,"run":"r","snapshots":[{"snapshot":"x","source":"s"}],"task":{"shard":{"index":3,"table":"t"}},"token":6}}}"#
        ),
        (
            .grant(
                Grant(
                    run: "r", task: .shard(table: "t", index: 3), epoch: 2, token: 6, attempt: "a",
                    documentPath: "/p.yaml",
                    shard: Shard(
                        index: 3, piece: .blocks(schema: "s", relation: "r", first: 8, limit: 16), estimatedRows: 70,
                        estimatedBytes: 900))),
            #"{"grant":{"_0":{"attempt":"a","documentPath":"/p.yaml","epoch":2,"run":"r","shard":{"estimatedBytes":900,"estimatedRows":70,"index":3,"piece":{"blocks":{"first":8,"limit":16,"relation":"r","schema":"s"}}},"snapshots":[],"task":{"shard":{"index":3,"table":"t"}},"token":6}}}"#
        ),
        (
            .noWork(retryAfterMilliseconds: 100, isIdle: false),
            #"{"noWork":{"isIdle":false,"retryAfterMilliseconds":100}}"#
        ),
        (
            .drain,
            #"{"drain":{}}"#
        ),
        (
            .alive(revoked: [4], letGo: ["r"], isDraining: true),
            #"{"alive":{"isDraining":true,"letGo":["r"],"revoked":[4]}}"#
        ),
        (
            .slice(bytes: "YWJj", total: 3),
            #"{"slice":{"bytes":"YWJj","total":3}}"#
        ),
        (
            .accepted,
            #"{"accepted":{}}"#
        ),
        (
            .fenced,
            #"{"fenced":{}}"#
        ),
        (
            .refused(reason: "why"),
            #"{"refused":{"reason":"why"}}"#
        ),
        (
            .unknownNode,
            #"{"unknownNode":{}}"#
        ),
        (
            .notLeader(leader: "tcp://127.0.0.1:1"),
            #"{"notLeader":{"leader":"tcp://127.0.0.1:1"}}"#
        ),
        (
            .notLeader(leader: nil),
            #"{"notLeader":{}}"#
        ),
        (
            .submitted(run: "r"),
            #"{"submitted":{"run":"r"}}"#
        ),
        (
            .status(
                ClusterStatus(
                    epoch: 1, build: "b",
                    runs: [
                        ClusterStatus.Run(
                            run: "r", module: "m", phase: .failed, startedAt: "2026-01-01T00:00:00Z", version: 2,
                            failure: failure)
                    ], nodes: [ClusterStatus.Node(name: "n", host: "h", slots: 1, tasks: 1, silentMilliseconds: 5)],
                    nodeCount: 1)),
            #"{"status":{"_0":{"build":"b","epoch":1,"nodeCount":1,"nodes":[{"host":"h","name":"n","silentMilliseconds":5,"slots":1,"tasks":1}],"runs":[{"bytes":0,"estimatedBytes":0,"estimatedRows":0,"failure":{"disposition":"failRun","kind":"data","message":"m","problems":[]},"holders":[],"module":"m","phase":"failed","rows":0,"run":"r","shards":0,"shardsDone":0,"shardsLeased":0,"shardsReady":0,"startedAt":"2026-01-01T00:00:00Z","version":2}]}}}"#
        ),
    ]
}
