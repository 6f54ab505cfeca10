import ArgumentParser
import Foundation
import Model
import Worker

struct PlanCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "plan",
        abstract: "Shows what a run would read, do and write. Writes nothing.",
        discussion: """
            Connects to the sources, compiles every rule against the real schema, and cuts shards.

              etlx plan clinic.yaml
              etlx plan clinic.yaml --json | jq '.tables[].columns[].name'
            """)

    @OptionGroup var document: DocumentOption
    @OptionGroup var common: CommonOptions

    func run() throws {
        let pipeline = try document.read(common)
        let plan: RunPlan
        do {
            let session = try RunSession(pipeline: pipeline)
            defer { session.close() }
            plan = try session.makePlan(filesAtATime: ProcessInfo.processInfo.activeProcessorCount)
        } catch {
            throw stop(for: RunSession.failure(of: error), json: common.json)
        }
        if common.json {
            print(PlanReport.json(plan).text(isPretty: true), terminator: "")
        } else if !common.quiet {
            Console.report(plan.warnings, json: false)
            print(PlanReport.text(plan))
        }
    }
}
