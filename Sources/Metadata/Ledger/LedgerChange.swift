/// The same change of many rows, with one statement for up to 64 of them.
///
/// `{rows}` in its texts is a list of rows under the name `given`, whose columns both databases call `column1`, ….
enum LedgerChange: CaseIterable, Hashable {
    case audit
    /// run, table, shard, epoch, worker, token, time.
    case granted
    /// run, table, shard, epoch.
    case kept
    /// run, table, shard, epoch, receipt, time.
    case accepted
    /// run, table, shard, epoch, state, failure, time, count of failures.
    case ended

    /// Few lengths of the list, so that few texts are to be prepared.
    private static let lengths = [64, 32, 16, 8, 4, 2, 1]
    static let largest = 64

    /// - Parameter run: whose refusal it is; of several it is not said.
    func statements(_ rows: [[LedgerValue]], run: String, largest: Int) -> [LedgerStatement] {
        var statements: [LedgerStatement] = []
        for template in Self.written[self]! {
            var rest = rows[...]
            while !rest.isEmpty {
                let place = Self.lengths.firstIndex { $0 <= rest.count && $0 <= largest } ?? Self.lengths.count - 1
                let length = Self.lengths[place]
                statements.append(
                    LedgerStatement(
                        template.texts[place], rest.prefix(length).flatMap { $0 },
                        expected: template.isExact ? length : nil,
                        refusal: LedgerError(.refused, "run \(run)", template.refusal)))
                rest = rest.dropFirst(length)
            }
        }
        return statements
    }

    private struct Written {
        /// One for each of `lengths`.
        let texts: [String]
        let isExact: Bool
        let refusal: String
    }

    /// The statements' texts, made once.
    private static let written: [LedgerChange: [Written]] = Dictionary(
        uniqueKeysWithValues: allCases.map { change in
            let marks = "(\(Array(repeating: "?", count: change.columnCount).joined(separator: ", ")))"
            let written = change.templates.map { template in
                Written(
                    texts: lengths.map { length in
                        let list = Array(repeating: marks, count: length).joined(separator: ", ")
                        return template.sql.replacing("{rows}", with: "(VALUES \(list)) AS given")
                    }, isExact: template.isExact, refusal: template.refusal)
            }
            return (change, written)
        })

    private var columnCount: Int {
        switch self {
        case .audit, .granted: 7
        case .kept: 4
        case .accepted: 6
        case .ended: 8
        }
    }

    private struct Template {
        let sql: String
        var isExact = true
        let refusal: String
    }

    private static let sameShard = "run = given.column1 AND table_name = given.column2 AND shard = given.column3"
    private static let isRunning =
        "EXISTS (SELECT 1 FROM run WHERE run.run = given.column1 AND run.state = 'running')"
    private static let isOpen =
        "EXISTS (SELECT 1 FROM run WHERE run.run = given.column1 AND run.state NOT IN ('published', 'aborted'))"
    /// Of the attempts of a shard that have not ended.
    private static let otherLeases = """
        FROM attempt AS other WHERE other.run = given.column1 AND other.table_name = given.column2
            AND other.shard = given.column3 AND other.state = 'granted'
        """

    private var templates: [Template] {
        switch self {
        case .audit:
            [
                Template(
                    sql: """
                        INSERT INTO audit (seq, prev_hash, hash, at, run, actor, event)
                        SELECT column1, column2, column3, column4, column5, column6, column7 FROM {rows}
                        """,
                    refusal: "the audit has other rows")
            ]
        case .granted:
            [
                Template(
                    sql: """
                        UPDATE shard SET phase = 'granted', epoch = given.column4, worker = given.column5 FROM {rows}
                        WHERE \(Self.sameShard) AND phase <> 'done' AND epoch < given.column4 AND \(Self.isRunning)
                        """,
                    refusal:
                        "a grant of no shard, of a finished one, under an old epoch, or in a run that is not running"),
                Template(
                    sql: """
                        INSERT INTO attempt (run, table_name, shard, epoch, worker, state, token, granted_at)
                        SELECT column1, column2, column3, column4, column5, 'granted', column6, column7 FROM {rows}
                        """,
                    refusal: "a grant that there is"),
            ]
        case .kept:
            [
                Template(
                    sql: """
                        UPDATE attempt SET inherited_at = NULL FROM {rows}
                        WHERE \(Self.sameShard) AND epoch = given.column4 AND state = 'granted'
                        """,
                    refusal: "a lease that is not granted")
            ]
        case .accepted:
            [
                Template(
                    sql: """
                        UPDATE attempt SET state = 'accepted', ended_at = given.column6 FROM {rows}
                        WHERE \(Self.sameShard) AND epoch = given.column4 AND state = 'granted'
                        """,
                    refusal: "a receipt under an epoch that is not granted"),
                Template(
                    sql: """
                        UPDATE shard SET phase = 'done', receipt = given.column5,
                            worker = (SELECT maker.worker FROM attempt AS maker WHERE maker.run = given.column1
                                AND maker.table_name = given.column2 AND maker.shard = given.column3
                                AND maker.epoch = given.column4)
                        FROM {rows}
                        WHERE \(Self.sameShard) AND phase = 'granted' AND \(Self.isRunning)
                        """,
                    refusal: "a receipt of a finished shard, or in a run that is not running"),
            ]
        case .ended:
            [
                Template(
                    sql: """
                        UPDATE attempt SET state = given.column5, failure = given.column6, ended_at = given.column7
                        FROM {rows}
                        WHERE \(Self.sameShard) AND epoch = given.column4 AND state = 'granted' AND \(Self.isOpen)
                        """,
                    refusal: "the end of a grant that there is not, or in a run that is over"),
                // With another lease it stays granted; of a finished shard nothing changes.
                Template(
                    sql: """
                        UPDATE shard SET failures = failures + given.column8,
                            phase = CASE WHEN EXISTS (SELECT 1 \(Self.otherLeases)) THEN 'granted' ELSE 'ready' END,
                            worker = (SELECT other.worker \(Self.otherLeases) ORDER BY other.epoch DESC LIMIT 1)
                        FROM {rows} WHERE \(Self.sameShard) AND phase = 'granted'
                        """,
                    isExact: false, refusal: ""),
            ]
        }
    }
}
