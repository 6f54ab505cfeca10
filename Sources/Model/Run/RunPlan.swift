/// What a run does, decided before any row is read: the vocabulary between planner, coordinator, workers and metadata.
/// Holds no secret and no cell value. Shard order and boundaries are part of it, so parts depend on nothing else.
package struct RunPlan: Sendable, Codable, Equatable {
    package var about: ModuleAbout
    package var codec: TargetSpec.Codec
    package var sources: [SourceIdentity]
    package var keys: [KeyIdentity]
    package var tables: [TablePlan]
    package var warnings: [Problem]
    /// A record, not a decision: the bytes of parts do not depend on it. nil where the planner did not say.
    package var kernels: KernelIdentity?

    package init(
        about: ModuleAbout, codec: TargetSpec.Codec, sources: [SourceIdentity], keys: [KeyIdentity],
        tables: [TablePlan], warnings: [Problem], kernels: KernelIdentity? = nil
    ) {
        self.about = about
        self.codec = codec
        self.sources = sources
        self.keys = keys
        self.tables = tables
        self.warnings = warnings
        self.kernels = kernels
    }
}

/// Which code computes digests and ciphers on the machine that made the plan. Workers choose for their own machine.
package struct KernelIdentity: Sendable, Codable, Equatable {
    /// `auto`, or the level that was forced.
    package var level: String
    /// Kernel → the version in use: `hmac-sha256` → `avx512+shani`.
    package var versions: [String: String]
    /// Every version that the machine has gave its recorded answers.
    package var hasPassedSelfTests: Bool

    package init(level: String, versions: [String: String], hasPassedSelfTests: Bool) {
        self.level = level
        self.versions = versions
        self.hasPassedSelfTests = hasPassedSelfTests
    }
}

/// Which state of which source was read.
package enum SourceIdentity: Sendable, Codable, Equatable {
    case postgres(PostgresIdentity)
    case files(FilesIdentity)

    package var name: String {
        switch self {
        case .postgres(let identity): identity.name
        case .files(let identity): identity.name
        }
    }
}

package struct PostgresIdentity: Sendable, Codable, Equatable {
    package var name: String
    package var host: String
    package var port: Int
    package var database: String
    package var serverVersion: String
    /// `pg_control_system().system_identifier`, or nil where the role may not ask.
    package var systemIdentifier: String?
    /// `pg_postmaster_start_time()`, to notice that another instance answers.
    package var serverStart: String
    package var isolation: String
    /// Exported ids of the one snapshot; any of them will do.
    package var snapshots: [String]
    /// `pg_current_snapshot()` of the snapshot: equal on every connection that imported it.
    package var snapshotText: String
    package var walPosition: String

    package init(
        name: String, host: String, port: Int, database: String, serverVersion: String, systemIdentifier: String?,
        serverStart: String, isolation: String, snapshots: [String], snapshotText: String, walPosition: String
    ) {
        self.name = name
        self.host = host
        self.port = port
        self.database = database
        self.serverVersion = serverVersion
        self.systemIdentifier = systemIdentifier
        self.serverStart = serverStart
        self.isolation = isolation
        self.snapshots = snapshots
        self.snapshotText = snapshotText
        self.walPosition = walPosition
    }
}

package struct FilesIdentity: Sendable, Codable, Equatable {
    package struct File: Sendable, Codable, Equatable {
        /// Relative to the document's folder where it lies below it, otherwise absolute; `s3://bucket/key` of an object.
        package var path: String
        package var byteCount: Int64
        /// SHA-256 of the file's bytes as they lie on disk.
        package var sha256: String
        /// Of an object: the server's word for the bytes that were planned. All of them are read under it.
        package var etag: String?
        /// Of a file on disk: which one it was, and in which state.
        package var state: FileState?

        package init(
            path: String, byteCount: Int64, sha256: String, etag: String? = nil, state: FileState? = nil
        ) {
            self.path = path
            self.byteCount = byteCount
            self.sha256 = sha256
            self.etag = etag
            self.state = state
        }
    }

    package var name: String
    package var files: [File]
    /// The dialect found or declared, for the metadata.
    package var dialect: String

    package init(name: String, files: [File], dialect: String) {
        self.name = name
        self.files = files
        self.dialect = dialect
    }
}

/// Which file lies at a path and when it was last written, as its system says without reading it.
///
/// Two states tell that a file changed only if they were taken in the same place: another machine, or a container with
/// mounts of its own, may see the same file with other numbers, or have a copy of it. There the digests of what is read
/// decide alone.
package struct FileState: Sendable, Codable, Equatable {
    /// The running system and its mounts: what the numbers of devices and files belong to. nil: not known.
    package var place: String?
    package var device: UInt64
    package var inode: UInt64
    /// Of the bytes (mtime), in nanoseconds since 1970.
    package var modified: Int64
    /// Of anything (ctime), in nanoseconds since 1970: unlike `modified` nobody can set it back.
    package var changed: Int64

    package init(place: String?, device: UInt64, inode: UInt64, modified: Int64, changed: Int64) {
        self.place = place
        self.device = device
        self.inode = inode
        self.modified = modified
        self.changed = changed
    }

    /// Whether a file that was in this state was replaced or written by the time it was in another.
    package func hasChanged(by later: FileState) -> Bool {
        place != nil && place == later.place && self != later
    }
}

/// A key as others may know it.
package struct KeyIdentity: Sendable, Codable, Equatable {
    package var name: String
    /// First 16 hexadecimal digits of HMAC-SHA-256 under the key's check subkey: equal keys have equal values, and the
    /// value tells nothing else of the key.
    package var checkValue: String

    package init(name: String, checkValue: String) {
        self.name = name
        self.checkValue = checkValue
    }
}

package struct TablePlan: Sendable, Codable, Equatable {
    package var name: String
    package var source: String
    /// `public.patients`, `query`, or the glob: for people.
    package var origin: String
    /// The statement that selects the rows, without its shard bounds, or nil for files.
    package var statement: String?
    /// SHA-256 over names, types, nullability and enum labels of the source columns.
    package var schemaFingerprint: String
    /// All columns of the source in its order, those that are dropped too.
    package var sourceColumns: [SourceColumn]
    package var columns: [ColumnPlan]
    package var droppedColumns: [String]
    package var shards: [Shard]
    package var estimatedRows: Int64
    package var estimatedBytes: Int64
    /// How many malformed records may be dropped; nil: they share `RowLimit.standard` with the rules.
    package var atMost: RowLimit?

    package init(
        name: String, source: String, origin: String, statement: String?, schemaFingerprint: String,
        sourceColumns: [SourceColumn] = [], columns: [ColumnPlan], droppedColumns: [String], shards: [Shard],
        estimatedRows: Int64, estimatedBytes: Int64, atMost: RowLimit? = nil
    ) {
        self.atMost = atMost
        self.name = name
        self.source = source
        self.origin = origin
        self.statement = statement
        self.schemaFingerprint = schemaFingerprint
        self.sourceColumns = sourceColumns
        self.columns = columns
        self.droppedColumns = droppedColumns
        self.shards = shards
        // A source may estimate anything.
        self.estimatedRows = max(0, min(estimatedRows, Limits.countPerTable))
        self.estimatedBytes = max(0, min(estimatedBytes, Limits.countPerTable))
    }
}

extension TablePlan {
    /// More bytes than the JSON of a receipt of the table takes: a count of each step, all of them as large as they can be.
    package var longestReceipt: Int {
        columns.reduce(8 << 10) { $0 + $1.steps.count * (160 + 6 * $1.name.utf8.count) }
    }
}

/// An output column with its origin and what its rule does, in words that metadata can carry.
package struct ColumnPlan: Sendable, Codable, Equatable {
    package var name: String
    package var type: DataType
    package var isProtected: Bool
    package var sourceColumn: String?
    package var sourceType: String
    /// How the source's type was mapped, where it is not plain: `text as PostgreSQL writes it`.
    package var mapping: String?
    package var steps: [StepPlan]

    package init(
        name: String, type: DataType, isProtected: Bool, sourceColumn: String?, sourceType: String, mapping: String?,
        steps: [StepPlan]
    ) {
        self.name = name
        self.type = type
        self.isProtected = isProtected
        self.sourceColumn = sourceColumn
        self.sourceType = sourceType
        self.mapping = mapping
        self.steps = steps
    }

    package var output: OutputColumn { OutputColumn(name: name, type: type, isProtected: isProtected) }
}

/// One step of a rule as it is recorded: what, with which parameters, to what effect.
package struct StepPlan: Sendable, Codable, Equatable {
    /// The legal and technical kind of a verb.
    package enum Effect: String, Sendable, Codable {
        case pass, clean, pseudonymise, generalise, perturb, redact
    }
    package enum Mapping: String, Sendable, Codable {
        /// Different values stay different, for certain / up to a stated chance / not at all.
        case injective, probabilistic, lossy
    }

    package var verb: String
    /// `token(key: people, scope: patient, as: base32, length: 26)`: no secret, no cell value.
    package var summary: String
    package var effect: Effect
    package var mapping: Mapping
    package var key: String?
    package var scope: String?
    /// `hmac-sha256`, `prefix`, `mask`: the method for metadata.
    package var method: String
    /// The document allowed a choice that is refused otherwise.
    package var isWeak: Bool
    /// How many rows it may drop; nil: it shares `RowLimit.standard` with the others.
    package var atMost: RowLimit?

    package init(
        verb: String, summary: String, effect: Effect, mapping: Mapping, key: String? = nil, scope: String? = nil,
        method: String, isWeak: Bool = false
    ) {
        self.verb = verb
        self.summary = summary
        self.effect = effect
        self.mapping = mapping
        self.key = key
        self.scope = scope
        self.method = method
        self.isWeak = isWeak
    }
}

/// A disjoint piece of one source table, the unit of dispatch; gives one part.
package struct Shard: Sendable, Codable, Equatable {
    package enum Piece: Sendable, Codable, Equatable {
        /// Blocks `first ..< limit` of one heap relation; `limit` nil: to its end, however far that is.
        case blocks(schema: String, relation: String, first: UInt32, limit: UInt32?)
        /// All rows of the table's query or view.
        case query
        /// Bytes `start ..< end` of one file: whole records, the first of which is number `firstRecord` (from zero).
        /// `sha256` is that of the bytes as they were planned; without it they are not published.
        case bytes(path: String, start: Int64, end: Int64, firstRecord: Int64, sha256: String? = nil)
    }

    /// From zero within the table, without gaps; the part's number.
    package var index: Int
    package var piece: Piece
    package var estimatedRows: Int64
    package var estimatedBytes: Int64

    /// How large the shards of a table become that has `total` bytes at its source.
    package static func byteCount(ofTable total: Int64) -> Int {
        let range = Limits.bytesPerShard
        return min(max(Int(total) / Limits.shardsPerTable, range.lowerBound), range.upperBound)
    }

    package init(index: Int, piece: Piece, estimatedRows: Int64, estimatedBytes: Int64) {
        self.index = index
        self.piece = piece
        self.estimatedRows = max(0, min(estimatedRows, Limits.countPerPart))
        self.estimatedBytes = max(0, min(estimatedBytes, Limits.countPerPart))
    }
}
