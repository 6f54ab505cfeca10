import ArgumentParser
import Foundation
import Model

/// The composition root: arguments, wiring, exit codes.
@main
struct Etlx: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "etlx",
        abstract: "Publishes tables as immutable, pseudonymised, described versions of a data module.",
        discussion: """
            Every command takes --json for machines and --quiet.

            Exit codes: 0 done · 1 the run failed · 2 the document or the
            arguments are wrong · 3 rules refused to publish · 4 a source, target
            or coordinator cannot be reached · 5 a check of stored data failed ·
            6 whether a version was published is not known yet: the next run
            tells · 130 interrupted. After every code but 0 and 6 the last
            version is untouched.
            Standing processes: 75 start again · 78 starting again changes nothing.
            """,
        version: "etlx \(ProductVersion.text)",
        subcommands: [
            ValidateCommand.self, PlanCommand.self, PreviewCommand.self, RunCommand.self, ModulesCommand.self,
            KeysCommand.self, KernelsCommand.self, CoordinatorCommand.self, WorkerCommand.self, SubmitCommand.self,
            StatusCommand.self, AuditCommand.self,
        ])

    func run() throws {
        print(
            """
            etlx publishes tables as immutable, pseudonymised, described versions of a data module.

              etlx validate clinic.yaml    tell everything that is wrong with a pipeline document
              etlx plan clinic.yaml        show what a run would read, do and write
              etlx run clinic.yaml         read, transform, and publish a version on this machine

            `etlx --help` lists all commands, `etlx help COMMAND` shows one with an example.
            """)
    }

    static func main() {
        // First of all: from here on the process may hold rows, keys and passwords.
        Memory.keepToItself()
        Signals.ignoreBrokenPipes()
        let words = Array(CommandLine.arguments.dropFirst())
        if let word = words.first, !word.hasPrefix("-"), word != "help", !commandNames.contains(word) {
            Console.error(
                "unknown command \"\(word)\"; expected one of \(commandNames.joined(separator: ", "))"
                    + (NearestWord.find(word, among: commandNames).map { "; did you mean \"\($0)\"?" } ?? ""))
            end(.wrongDocument)
        }
        do {
            var command = try parseAsRoot(words)
            try command.run()
            end(.done)
        } catch let stop as Stop {
            if let message = stop.message { Console.error(message) }
            end(stop.status)
        } catch {
            let isHelp = exitCode(for: error) == .success
            let text = fullMessage(for: error)
            if isHelp { print(text) } else { Console.standardError(text) }
            end(isHelp ? .done : .wrongDocument)
        }
    }

    /// Ends the process without what libraries do at an exit: libcrypto takes its tables down, and a thread that still sends
    /// a part or reads a row would die of that, with a status of its own.
    private static func end(_ status: ExitStatus) -> Never {
        fflush(nil)
        _exit(status.rawValue)
    }

    private static var commandNames: [String] {
        configuration.subcommands.compactMap { $0.configuration.commandName }
    }
}

/// The exit codes of `docs/pipeline.md`.
enum ExitStatus: Int32 {
    case done = 0
    case failed = 1
    case wrongDocument = 2
    case refusedByRules = 3
    case unreachable = 4
    case checkFailed = 5
    /// A version may be there or may yet come: the next run of the module finds out.
    case undecided = 6
    /// Of a standing process: start it again.
    case temporary = 75
    /// Of a standing process: starting it again changes nothing.
    case configuration = 78
    case interrupted = 130
}

/// Ends the command with a status, after what there was to say has been said.
struct Stop: Error {
    let status: ExitStatus
    /// nil: already told.
    let message: String?

    init(_ status: ExitStatus, _ message: String? = nil) {
        self.status = status
        self.message = message
    }
}

/// Options of every command.
struct CommonOptions: ParsableArguments {
    @Flag(help: "Print for machines: one JSON document, or one object a line.")
    var json = false

    @Flag(help: "Print nothing but errors.")
    var quiet = false
}
