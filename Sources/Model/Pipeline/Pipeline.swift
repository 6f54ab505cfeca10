/// A pipeline document as read: shape checked, references resolved within the document, verbs not yet looked at.
package struct Pipeline: Sendable {
    /// The document's path as its user gave it, for messages.
    package let file: String
    /// The folder that relative paths in the document start from.
    package let baseDirectory: String
    /// Files that the document names lie in this folder or below it, symbolic links followed; nil: anywhere.
    package var boundary: String?
    package let about: ModuleAbout
    package let sources: [SourceSpec]
    package let keys: [KeySpec]
    package let tables: [TableSpec]
    package let target: TargetSpec

    package init(
        file: String, baseDirectory: String, about: ModuleAbout, sources: [SourceSpec], keys: [KeySpec],
        tables: [TableSpec], target: TargetSpec
    ) {
        self.file = file
        self.baseDirectory = baseDirectory
        self.about = about
        self.sources = sources
        self.keys = keys
        self.tables = tables
        self.target = target
    }
}

/// What the document says of the module itself; goes into its metadata. Holds no secret.
package struct ModuleAbout: Sendable, Codable, Equatable {
    package struct Creator: Sendable, Codable, Equatable {
        package var name: String
        package var url: String?

        package init(name: String, url: String? = nil) {
            self.name = name
            self.url = url
        }
    }

    /// The `compliance` section. Lists are empty and texts nil where the document is silent.
    package struct Compliance: Sendable, Codable, Equatable {
        package var purpose: String
        package var legalBasis: [String] = []
        package var controller: String?
        package var dataProtectionOfficer: String?
        package var dataSubjects: [String] = []
        package var recipients: [String] = []
        package var personalData: [String] = []
        /// ISO 8601 duration.
        package var retention: String?
        package var collection: String?
        package var limitations: [String] = []
        package var biases: [String] = []
        package var useCases: [String] = []

        package init(purpose: String) {
            self.purpose = purpose
        }
    }

    package var module: String
    package var title: String
    package var description: String
    package var license: String?
    package var url: String?
    package var creator: Creator?
    package var keywords: [String] = []
    package var compliance: Compliance?
    /// SHA-256 of the document's bytes as written, before anything is replaced; lower-case hexadecimal.
    package var documentDigest: String

    package init(module: String, title: String, description: String, documentDigest: String) {
        self.module = module
        self.title = title
        self.description = description
        self.documentDigest = documentDigest
    }
}

package struct SourceSpec: Sendable {
    package enum Kind: Sendable {
        /// A libpq connection URL or keyword string.
        case postgres(url: Secret)
        case csv(DelimitedSpec)
    }

    package let name: String
    package let position: Position
    package let kind: Kind
    /// Of a database: the document takes a server whose certificate and name nobody checks.
    package let allowsUnverifiedTLS: Bool

    package init(name: String, position: Position, kind: Kind, allowsUnverifiedTLS: Bool = false) {
        self.name = name
        self.position = position
        self.kind = kind
        self.allowsUnverifiedTLS = allowsUnverifiedTLS
    }
}

/// How delimited files are written. Defaults are RFC 4180.
package struct DelimitedSpec: Sendable, Codable, Equatable {
    package enum Encoding: String, Sendable, Codable, CaseIterable {
        case utf8 = "utf-8"
        case utf16 = "utf-16"
        case utf16LittleEndian = "utf-16le"
        case utf16BigEndian = "utf-16be"
        case latin1 = "latin-1"
        case windows1252 = "windows-1252"
    }
    package enum Compression: String, Sendable, Codable, CaseIterable { case none, gzip }
    package enum OnMalformed: String, Sendable, Codable, CaseIterable { case stop, drop }

    /// A path or glob, relative to the document's folder unless absolute; or an `S3Path`, whose key may be a glob.
    package var path: String
    package var pathPosition: Position
    /// One ASCII byte.
    package var delimiter: UInt8 = UInt8(ascii: ",")
    /// One ASCII byte; nil: no quoting at all.
    package var quote: UInt8? = UInt8(ascii: "\"")
    /// Escapes the next byte inside quotes beside the doubled quote; nil: none.
    package var escape: UInt8?
    package var hasHeader = true
    /// nil: by byte-order mark, otherwise UTF-8.
    package var encoding: Encoding?
    /// nil: by the file's first bytes.
    package var compression: Compression?
    /// Unquoted fields with one of these texts are NULL. An unquoted empty field is NULL by default, a quoted one is "".
    package var nullTexts: [String] = [""]
    /// Records that start with this byte (outside quotes) are no data; nil: none.
    package var comment: UInt8?
    /// Lines before the header that are no data.
    package var skippedLines = 0
    /// Declared column types; the others are inferred over the whole input.
    package var types: [DeclaredType] = []
    /// Column names for files without a header, or instead of it.
    package var names: [String] = []
    package var onMalformed: OnMalformed = .stop
    /// How many malformed records may be dropped of a table; nil: `RowLimit.standard`.
    package var atMost: RowLimit?
    /// For paths in S3.
    package var connection = S3ConnectionSpec()

    package init(path: String, pathPosition: Position) {
        self.path = path
        self.pathPosition = pathPosition
    }

    package struct DeclaredType: Sendable, Codable, Equatable {
        package let column: String
        package let type: DataType
        package let position: Position

        package init(column: String, type: DataType, position: Position) {
            self.column = column
            self.type = type
            self.position = position
        }
    }
}

/// A key's name and the file that holds it. The bytes are read by workers alone.
package struct KeySpec: Sendable {
    package let name: String
    package let position: Position
    package let path: String
    /// The path as the document has it, where a placeholder stands in it: what that stands for may be the key itself, by
    /// mistake, so it is never printed.
    package let written: String?

    package init(name: String, position: Position, path: String, written: String? = nil) {
        self.name = name
        self.position = position
        self.path = path
        self.written = written
    }
}

package struct TableSpec: Sendable {
    package enum Origin: Sendable {
        case relation(schema: String, name: String)
        case query(sql: String)
        /// All files of a file source.
        case files
    }

    /// The published table's name.
    package let name: String
    package let position: Position
    /// The name of its source.
    package let source: String
    package let origin: Origin
    package let originPosition: Position
    /// A condition in the source's language, pushed down to it.
    package let filter: String?
    package let filterPosition: Position?
    package let columns: [ColumnRule]

    package init(
        name: String, position: Position, source: String, origin: Origin, originPosition: Position, filter: String?,
        filterPosition: Position?, columns: [ColumnRule]
    ) {
        self.name = name
        self.position = position
        self.source = source
        self.origin = origin
        self.originPosition = originPosition
        self.filter = filter
        self.filterPosition = filterPosition
        self.columns = columns
    }
}

/// What happens to one column: steps from left to right.
package struct ColumnRule: Sendable {
    /// The output column's name, and its source's unless a `from` step names another.
    package let name: String
    package let position: Position
    package let steps: [StepSpec]

    package init(name: String, position: Position, steps: [StepSpec]) {
        self.name = name
        self.position = position
        self.steps = steps
    }
}

/// A verb and its argument: `keep` has none, `{round: 1}` has `1`, `{token: {key: people}}` has a mapping.
package struct StepSpec: Sendable {
    package let verb: String
    package let position: Position
    package let argument: Node?

    package init(verb: String, position: Position, argument: Node?) {
        self.verb = verb
        self.position = position
        self.argument = argument
    }
}
