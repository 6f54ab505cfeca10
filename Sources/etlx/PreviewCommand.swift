import ArgumentParser
import Columnar
import Foundation
import Model
import Worker

struct PreviewCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "preview",
        abstract: "Shows a few rows through the real rules. Writes nothing.",
        discussion: """
            Prints what would be published. --show-source prints the source's values beside it, on a terminal only.

              etlx preview clinic.yaml --table patients --rows 5
            """)

    @OptionGroup var document: DocumentOption
    @OptionGroup var common: CommonOptions

    @Option(help: "The table to show; by default all of them.")
    var table: String?

    @Option(help: "How many rows to show.")
    var rows: Int = 5

    @Flag(help: "Show the source's values too. They are personal data: needs a terminal.")
    var showSource = false

    func validate() throws {
        if !(1...1000).contains(rows) { throw ValidationError("--rows is a number from 1 to 1000, found \(rows)") }
    }

    func run() throws {
        if showSource, !Console.isOutputTerminal {
            throw Stop(.wrongDocument, "--show-source prints personal data: it needs a terminal, not a file or pipe")
        }
        let pipeline = try document.read(common)
        let names = pipeline.tables.map(\.name)
        if let table, !names.contains(table) {
            throw Stop(
                .wrongDocument,
                "no table \"\(table)\"; expected one of \(names.joined(separator: ", "))"
                    + (NearestWord.find(table, among: names).map { "; did you mean \"\($0)\"?" } ?? ""))
        }
        do {
            let session = try RunSession(pipeline: pipeline)
            defer { session.close() }
            _ = try session.makePlan(filesAtATime: ProcessInfo.processInfo.activeProcessorCount)
            let shown = try names.filter { table == nil || table == $0 }.map { try object(of: $0, session) }
            if common.json { print(JSON.record(["tables": .list(shown)]).text(isPretty: true), terminator: "") }
        } catch {
            throw stop(for: RunSession.failure(of: error), json: common.json)
        }
    }

    /// Prints a table's rows, or gives them for the one document of `--json`.
    private func object(of name: String, _ session: RunSession) throws -> JSON {
        guard let (columns, source, result) = try session.preview(table: name) else {
            if !common.json { print("\(name): no rows") }
            return JSON.record(["table": .text(name), "rows": []])
        }
        let count = min(rows, result.rowCount)
        if common.json {
            let objects = (0..<count).map { row in
                JSON.object(
                    zip(columns, result.columns).map {
                        .init($0.name, CellText.text($1, row).map { .text($0) } ?? .null)
                    })
            }
            return JSON.record(["table": .text(name), "rows": .list(objects)])
        }
        print("\(name), \(count) rows")
        var lines = [columns.map(\.name)]
        for row in 0..<count {
            lines.append(
                zip(columns.indices, result.columns).map { index, column in
                    let shown = CellText.shortened(CellText.text(column, row))
                    guard showSource else { return shown }
                    return "\(CellText.shortened(CellText.text(source.columns[index], row))) → \(shown)"
                })
        }
        print(Console.aligned(lines))
        return .null
    }
}
