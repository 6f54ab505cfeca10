import Foundation
import Model

@testable import Document

/// What the tests of documents share: the goldens' folder, an environment full of canaries, an example.
enum Fixture {
    static let goldens = URL(fileURLWithPath: #filePath).deletingLastPathComponent()
        .appendingPathComponent("../Goldens/Document").standardizedFileURL.path

    /// Appears in every variable; must appear in no message and no description.
    static let canary = "CANARY7f3a"

    static let environment = [
        "HOSPITAL_URL": "postgresql://app:\(canary)@db.example/clinic",
        "HOSPITAL_PW": "\(canary)pw",
        "KEY_DIR": "/\(canary)/keys",
        "LAB_DIR": "\(canary)-labs",
        "NOT_A_URL": "\(canary) is no url",
        "STORE": "/\(canary)/store",
        "EMPTY": "",
    ]

    /// Stands for SHA-256, which this target does not have: tells that the right bytes came.
    static func digest(_ bytes: UnsafeRawBufferPointer) -> String { "digest of \(bytes.count) bytes" }

    static func examine(_ text: String, path: String = "test.yaml", base: String? = nil) -> PipelineReader.Reading {
        unsafe PipelineReader.examine(
            text: text, path: path, baseDirectory: base, environment: environment, digest: digest)
    }

    /// The folder of a target that is one.
    static func directory(of pipeline: Pipeline) -> String? {
        if case .directory(let folder) = pipeline.target.place { folder } else { nil }
    }

    /// The smallest document, with `more` lines put before its tables.
    static func document(
        _ more: String = "", source: String = "{kind: csv, path: x.csv}",
        table: String = "{from: s, columns: {id: keep}}",
        target: String = "{directory: out}"
    ) -> String {
        """
        format: 1
        module: m
        \(more)
        sources: {s: \(source)}
        tables: {t: \(table)}
        target: \(target)
        """
    }

    /// The example of the reference, reduced to what this version has.
    static let example = #"""
        format: 1                                   # of this document, not of the data
        module: clinic
        title: Clinic visits, pseudonymised
        description: One row per patient and per visit; direct identifiers replaced by keyed tokens.
        license: https://creativecommons.org/licenses/by/4.0/
        creator: {name: Example Hospital, url: https://hospital.example}
        keywords: [health, visits]

        compliance:
          purpose: Training of readmission models
          legal_basis: [GDPR Art. 6(1)(e), GDPR Art. 9(2)(j)]
          controller: Example Hospital
          retention: P5Y
          collection: Routine care records, exported nightly from the hospital's PostgreSQL.

        sources:
          hospital: {kind: postgres, url: "${env:HOSPITAL_URL}"}
          labs:     {kind: csv, path: "labs/*.csv.gz"}

        keys:
          people: {file: "${env:KEY_DIR}/people.key"}

        tables:
          patients:
            from: hospital.public.patients
            where: "deleted_at is null"
            columns:
              id:          {token: {key: people, scope: patient}}
              email:       [trim, lowercase, {token: {key: people, scope: email}}]
              given_name:  {mask: {keep_first: 1}}
              ssn:         drop
              birth_date:  {generalize: {to: year}}
              zip:         {generalize: {prefix: 3}}
              phone:       {format_preserving: {key: people, alphabet: digits}}
              last_visit:  {shift_dates: {key: people, by: id, days: 30}}
              notes:       {redact: [email, phone, iban, payment_card, us_ssn, ip_address]}
              sex:         keep
              weight_kg:   [{from: weight}, {round: 1}]
          labs:
            from: labs
            columns: {id: keep, value: keep}

        target: {directory: ./modules}
        """#
}
