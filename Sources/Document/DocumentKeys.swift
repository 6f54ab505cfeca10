import Model

/// Every key that a pipeline document may have, in one table. The reader accepts these and no others, and a test
/// compares `docs/pipeline.md` with them line by line.
package struct DocumentKey: Sendable {
    package let name: String
    /// What its value is, as messages and the reference say it: `a text`, `true or false`.
    package let form: String
    package let isRequired: Bool
    /// What holds when it is absent, in words.
    package let standard: String
    /// One line of a document.
    package let example: String
    package let meaning: String

    init(
        _ name: String, _ form: String, isRequired: Bool = false, standard: String = "none", example: String,
        _ meaning: String
    ) {
        self.name = name
        self.form = form
        self.isRequired = isRequired
        self.standard = standard
        self.example = example
        self.meaning = meaning
    }
}

/// A key that has a meaning elsewhere or will have one: refused by name, never ignored.
package struct RefusedKey: Sendable {
    package let names: [String]
    package let reason: String
    package let remedy: String
    /// Required keys that are not told as missing beside this one.
    var standsFor: [String] = []
}

/// A mapping of the document that has keys of its own.
package enum DocumentSection: String, CaseIterable, Sendable {
    case document = "The document"
    case creator = "creator"
    case compliance = "compliance"
    case postgres = "A source of kind postgres"
    case csv = "A source of kind csv"
    case s3Source = "s3 in a source"
    case key = "A key"
    case table = "A table"
    case query = "A query in from"
    case target = "target"
    case s3Target = "A target in S3"
    case postgresTarget = "A target in PostgreSQL"
    case targetTable = "A table of a target in PostgreSQL"

    package var keys: [DocumentKey] {
        switch self {
        case .document: Self.documentKeys
        case .creator: Self.creatorKeys
        case .compliance: Self.complianceKeys
        case .postgres: Self.postgresKeys
        case .csv: Self.csvKeys
        case .s3Source: Self.s3ConnectionKeys
        case .key: Self.keyKeys
        case .table: Self.tableKeys
        case .query: Self.queryKeys
        case .target: Self.targetKeys
        case .s3Target: Self.s3TargetKeys
        case .postgresTarget: Self.postgresTargetKeys
        case .targetTable: Self.targetTableKeys
        }
    }

    package var refused: [RefusedKey] {
        switch self {
        case .document, .table:
            [
                RefusedKey(
                    names: ["quality"], reason: "quality rules are not available in this version",
                    remedy: "remove the section or use a version that has them"),
                RefusedKey(
                    names: ["privacy"], reason: "privacy rules are not available in this version",
                    remedy: "remove the section or use a version that has them"),
            ]
        case .key:
            [
                RefusedKey(
                    names: ["value", "key", "bytes", "base64", "hex", "text", "secret", "raw"],
                    reason: "the bytes of a key do not belong into a document",
                    remedy: "write them to a file (etlx keys new FILE) and name it: {file: FILE}", standsFor: ["file"])
            ]
        case .s3Target, .s3Source:
            [
                RefusedKey(
                    names: ["access_key", "access_key_id", "secret_key", "secret_access_key", "session_token"],
                    reason: Self.noCredentials, remedy: Self.whereCredentialsBelong)
            ]
        case .creator, .compliance, .postgres, .csv, .query, .target, .postgresTarget, .targetTable: []
        }
    }

    static let noCredentials = "credentials do not belong into a document"
    static let whereCredentialsBelong =
        "give them by the environment (AWS_ACCESS_KEY_ID …), a shared credentials file or a role"

    func key(_ name: String) -> DocumentKey? { keys.first { $0.name == name } }

    private static let documentKeys = [
        DocumentKey(
            "format", "the number 1", isRequired: true, example: "format: 1",
            "the format of this document, not of the data"),
        DocumentKey(
            "module", "a module's name", isRequired: true, example: "module: clinic",
            "the data module that this pipeline publishes: \(Names.modulePattern)"),
        DocumentKey("title", "a text", standard: "the module's name", example: "title: Clinic visits", "for people"),
        DocumentKey(
            "description", "a text", standard: "the title", example: "description: One row per visit.", "for people"),
        DocumentKey(
            "license", "an absolute URI", example: "license: https://creativecommons.org/licenses/by/4.0/",
            "under which the module may be used"),
        DocumentKey(
            "url", "an absolute URI", example: "url: https://hospital.example/data/clinic",
            "where the module is described"),
        DocumentKey(
            "creator", "a text or {name, url}", example: "creator: {name: Example Hospital}", "who made the module"),
        DocumentKey("keywords", "a text or a list of texts", example: "keywords: [health, visits]", "for search"),
        DocumentKey(
            "compliance", "a mapping", example: "compliance: {purpose: Training of readmission models}",
            "what the module's metadata says about purpose and law"),
        DocumentKey(
            "sources", "a mapping of names to sources", isRequired: true,
            example: "sources: {labs: {kind: csv, path: \"labs/*.csv\"}}", "where data comes from"),
        DocumentKey(
            "keys", "a mapping of names to keys", example: "keys: {people: {file: people.key}}",
            "the secret keys that rules name"),
        DocumentKey(
            "tables", "a mapping of names to tables", isRequired: true,
            example: "tables: {labs: {from: labs, columns: {id: keep}}}", "what is published"),
        DocumentKey(
            "target", "a mapping", isRequired: true, example: "target: {directory: ./modules}",
            "where the module is published"),
    ]

    private static let creatorKeys = [
        DocumentKey("name", "a text", isRequired: true, example: "name: Example Hospital", "a person or organisation"),
        DocumentKey("url", "an absolute URI", example: "url: https://hospital.example", "its page"),
    ]

    private static let complianceKeys = [
        DocumentKey(
            "purpose", "a text", isRequired: true, example: "purpose: Training of readmission models",
            "why the data is processed"),
        DocumentKey(
            "legal_basis", "a text or a list of texts", example: "legal_basis: [GDPR Art. 6(1)(e)]",
            "what permits it"),
        DocumentKey("controller", "a text", example: "controller: Example Hospital", "who decides about the data"),
        DocumentKey(
            "data_protection_officer", "a text", example: "data_protection_officer: dpo@hospital.example",
            "whom to ask"),
        DocumentKey(
            "data_subjects", "a text or a list of texts", example: "data_subjects: [patients]", "whose data it is"),
        DocumentKey(
            "recipients", "a text or a list of texts", example: "recipients: [research group]", "who receives it"),
        DocumentKey(
            "personal_data", "a text or a list of texts", example: "personal_data: [health data]",
            "categories of personal data"),
        DocumentKey(
            "retention", "an ISO 8601 duration", example: "retention: P5Y", "how long a version is kept"),
        DocumentKey(
            "collection", "a text", example: "collection: Routine care records, exported nightly.",
            "how the data was gathered"),
        DocumentKey(
            "limitations", "a text or a list of texts", example: "limitations: One hospital only.",
            "what the data does not tell"),
        DocumentKey("biases", "a text or a list of texts", example: "biases: [more women than men]", "known biases"),
        DocumentKey(
            "use_cases", "a text or a list of texts", example: "use_cases: [readmission models]",
            "what it is meant for"),
    ]

    private static let postgresKeys = [
        DocumentKey("kind", "the word postgres", isRequired: true, example: "kind: postgres", "the kind of source"),
        DocumentKey(
            "url", "a libpq connection URL or keyword string", isRequired: true,
            example: "url: \"${env:HOSPITAL_URL}\"", "the database; never printed"),
        unverifiedKey,
    ]

    private static let csvKeys = [
        DocumentKey("kind", "the word csv", isRequired: true, example: "kind: csv", "the kind of source"),
        DocumentKey(
            "path", "a path or glob", isRequired: true, example: "path: \"labs/*.csv.gz\"",
            "the files; relative ones start from the document's folder; s3://bucket/key for objects of a bucket"),
        DocumentKey(
            "delimiter", "one of \",\" \";\" \"|\" tab", standard: "`,`", example: "delimiter: \";\"",
            "between two fields"),
        DocumentKey(
            "quote", "one ASCII character or none", standard: "`\"`", example: "quote: \"'\"", "around a field"),
        DocumentKey(
            "escape", "one ASCII character or none", example: "escape: \"\\\\\"",
            "before a quote inside quotes, beside the doubled quote"),
        DocumentKey(
            "header", "true or false", standard: "true", example: "header: false", "the first record holds the names"),
        DocumentKey(
            "encoding", "one of auto, utf-8, utf-16, utf-16le, utf-16be, latin-1, windows-1252",
            standard: "auto: by byte-order mark, else UTF-8", example: "encoding: latin-1", "how characters are stored"),
        DocumentKey(
            "compression", "one of auto, none, gzip", standard: "auto: by the file's first bytes",
            example: "compression: gzip", "how files are compressed"),
        DocumentKey(
            "nulls", "a text or a list of texts", standard: "`[\"\"]`", example: "nulls: [\"\", NULL, NA]",
            "unquoted fields that are NULL"),
        DocumentKey(
            "comment", "one ASCII character or none", example: "comment: \"#\"",
            "records that begin with it are no data"),
        DocumentKey(
            "skip_lines", "a whole number from 0", standard: "0", example: "skip_lines: 2",
            "lines before the header that are no data"),
        DocumentKey(
            "types", "a mapping of columns to types", standard: "inferred over all files",
            example: "types: {amount: \"decimal(12,2)\"}", "declared column types"),
        DocumentKey(
            "names", "a list of texts", standard: "the header", example: "names: [id, taken_at, value]",
            "column names for files without a header, or instead of it; `header` must say which"),
        DocumentKey(
            "on_malformed", "one of stop, drop", standard: "stop", example: "on_malformed: drop",
            "what happens with a record that does not fit"),
        DocumentKey(
            "at_most", RowLimit.form, standard: "1%, with what rules drop", example: "at_most: 2%",
            "how many records `on_malformed: drop` may drop of a table before the run stops"),
        DocumentKey(
            "s3", "a mapping", standard: "the environment", example: "s3: {endpoint: \"https://s3.hospital.example\"}",
            "how the bucket of a path in S3 is reached"),
    ]

    private static let keyKeys = [
        DocumentKey(
            "file", "a path", isRequired: true, example: "file: \"${env:KEY_DIR}/people.key\"",
            "a file with 32 bytes, raw or base64; read by workers alone")
    ]

    private static let tableKeys = [
        DocumentKey(
            "from", "source.schema.table, {source, query}, or a file source's name", isRequired: true,
            example: "from: hospital.public.patients", "what is read"),
        DocumentKey(
            "where", "a text", standard: "all rows", example: "where: \"deleted_at is null\"",
            "a condition in SQL, evaluated by the source; for tables of a database"),
        DocumentKey(
            "columns", "a mapping of columns to rules", isRequired: true, example: "columns: {id: keep, ssn: drop}",
            "every column of the source, with its rule"),
    ]

    private static let queryKeys = [
        DocumentKey("source", "a source's name", isRequired: true, example: "source: hospital", "a database"),
        DocumentKey(
            "query", "a text", isRequired: true, example: "query: \"select id, sex from patients\"", "one SQL query"),
    ]
}
