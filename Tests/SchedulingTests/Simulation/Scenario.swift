/// What is simulated: how many nodes, which runs, and what goes wrong. Times are seconds of virtual time.
struct Scenario: Codable, Sendable {
    struct Run: Codable, Sendable {
        var at: Double
        var module: String
        var shards: Int
        /// From a database with snapshots, or from files.
        var isDatabase: Bool
        var restarts: Bool
        /// Reading this shard kills its worker.
        var poison: Int?
    }

    /// Chances of what may go wrong: of each message, each write, each task.
    struct Rates: Codable, Sendable {
        /// Of a message.
        var lost = 0.0, doubled = 0.0, late = 0.0
        var lateSeconds = 4.0
        /// Of a call to the ledger: carried out, and nobody told.
        var ledgerAnswerLost = 0.0
        /// Of a commit record's write: never there, there although it seemed lost, there only later.
        var commitLost = 0.0, commitUnanswered = 0.0, commitLate = 0.0
        /// Of a coordinator at each point between two steps.
        var coordinatorCrash = 0.0
        /// Of a coordinator just before it sends what it has decided: it stands still for some seconds.
        var coordinatorStall = 0.0
        /// Of a task.
        var taskFails = 0.0, taskFailsHere = 0.0, taskBreaks = 0.0, unbalanced = 0.0, slow = 0.0

        init() {}

        init(from decoder: any Decoder) throws {
            let given = try decoder.singleValueContainer().decode([String: Double].self)
            for (name, value) in given {
                guard let path = Self.paths[name] else {
                    throw DecodingError.dataCorrupted(
                        .init(codingPath: decoder.codingPath, debugDescription: "no such rate: \(name)"))
                }
                self[keyPath: path] = value
            }
        }

        private static let paths: [String: any WritableKeyPath<Rates, Double> & Sendable] = [
            "lost": \.lost, "doubled": \.doubled, "late": \.late, "lateSeconds": \.lateSeconds,
            "ledgerAnswerLost": \.ledgerAnswerLost, "commitLost": \.commitLost, "commitUnanswered": \.commitUnanswered,
            "commitLate": \.commitLate, "coordinatorCrash": \.coordinatorCrash, "coordinatorStall": \.coordinatorStall,
            "taskFails": \.taskFails,
            "taskFailsHere": \.taskFailsHere, "taskBreaks": \.taskBreaks, "unbalanced": \.unbalanced, "slow": \.slow,
        ]
    }

    /// Something that goes wrong at a time.
    struct Fault: Codable, Sendable {
        enum Kind: String, Codable, Sendable, CaseIterable {
            /// The process is gone at once; another takes its place after `seconds`.
            case kill
            /// As `kill`, right behind the coordinator's next durable write; of a record of the name `to`, if it is not empty.
            case killAfterWrite
            /// The process stands still for `seconds`.
            case pause
            /// Messages from `who` to `to` (empty: to and from everybody) are lost for `seconds`.
            case cut
            case ledgerDown
            /// SIGTERM.
            case drain
            /// The operator cancels the run whose number is `who`.
            case cancel
            /// Somebody publishes a version of the module beside the cluster.
            case foreignVersion
            /// Somebody without the cluster's credential repeats what nodes say.
            case stranger
        }

        var at: Double
        var kind: Kind
        /// `leader`, `coordinator-0`, `worker-1`, `keeper-0`, `ledger`, a module, or a run's number.
        var who: String
        var to = ""
        var seconds = 0.0

        init(at: Double, kind: Kind, who: String, to: String = "", seconds: Double = 0) {
            (self.at, self.kind, self.who, self.to, self.seconds) = (at, kind, who, to, seconds)
        }

        init(from decoder: any Decoder) throws {
            let values = try decoder.container(keyedBy: CodingKeys.self)
            at = try values.decode(Double.self, forKey: .at)
            kind = try values.decode(Kind.self, forKey: .kind)
            who = try values.decode(String.self, forKey: .who)
            to = try values.decodeIfPresent(String.self, forKey: .to) ?? ""
            seconds = try values.decodeIfPresent(Double.self, forKey: .seconds) ?? 0
        }
    }

    var name: String
    var workers: Int
    var keepers: Int
    var slots: Int
    var runs: [Run]
    /// From here on nothing goes wrong any more, and every run must end.
    var calmAt: Double
    var rates: Rates
    var script: [Fault]
    /// Leases outlive a leader, as the product's do.
    var hasLongLeases: Bool?
    /// By when no run may be open any more, whatever goes wrong.
    var overBy: Double?
    /// What must have come of the runs, in order, where it is certain: `published`, `aborted`, or empty.
    var outcomes: [String]?
}
