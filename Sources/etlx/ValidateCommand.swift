import ArgumentParser
import Foundation
import Model
import Worker

struct ValidateCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "validate",
        abstract: "Reads a pipeline document and tells everything that is wrong with it.",
        discussion: """
            Looks at the document alone; with --connect also at keys, tables, columns and types.

              etlx validate clinic.yaml --connect
            """)

    @OptionGroup var document: DocumentOption
    @OptionGroup var common: CommonOptions

    @Flag(help: "Check against the sources and the keys too. Reads schemas, no rows of tables.")
    var connect = false

    func run() throws {
        let pipeline = try document.read(common)
        if connect {
            do {
                let session = try RunSession(pipeline: pipeline)
                defer { session.close() }
                let plan = try session.makePlan(filesAtATime: ProcessInfo.processInfo.activeProcessorCount)
                if !common.json, !common.quiet { Console.report(plan.warnings, json: false) }
            } catch {
                throw stop(for: RunSession.failure(of: error), json: common.json)
            }
        }
        if common.json {
            print(JSON.record(["problems": []]).text())
        } else if !common.quiet {
            let columns = pipeline.tables.reduce(0) { $0 + $1.columns.count }
            print(
                "\(document.pipeline): valid; \(pipeline.tables.count) tables, \(columns) rules\(connect ? ", sources agree" : "")"
            )
        }
    }
}
