import ArgumentParser
import Foundation
import Model
import Transform

struct KeysCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "keys",
        abstract: "Makes and checks key files.",
        discussion: """
            A key file holds 32 random bytes, raw or as base64, and is readable by its owner alone.

              etlx keys new people.key
              etlx keys check people.key
            """,
        subcommands: [New.self, Check.self, RevealValues.self])

    struct New: ParsableCommand {
        static let configuration = CommandConfiguration(
            commandName: "new", abstract: "Writes a new random key; never overwrites a file.",
            discussion: "  etlx keys new people.key")

        @Argument(help: "The file to create.") var file: String
        @OptionGroup var common: CommonOptions

        func run() throws {
            do {
                try KeyFile.create(file)
                try KeysCommand.tell(KeyFile.read(file, name: "new"), file, common)
            } catch {
                throw Stop(.wrongDocument, error.description)
            }
        }
    }

    struct Check: ParsableCommand {
        static let configuration = CommandConfiguration(
            commandName: "check",
            abstract: "Prints a key's check value: equal keys have equal ones; it tells nothing else.",
            discussion: "  etlx keys check people.key")

        @Argument(help: "The key file.") var file: String
        @OptionGroup var common: CommonOptions

        func run() throws {
            do { try KeysCommand.tell(KeyFile.read(file, name: "checked"), file, common) } catch {
                throw Stop(.wrongDocument, error.description)
            }
        }
    }

    private static func tell(_ key: MaskingKey, _ file: String, _ common: CommonOptions) throws(KeyError) {
        if common.json {
            print(JSON.record(["file": .text(file), "check_value": .text(key.checkValue)]).text())
        } else if !common.quiet {
            print("\(file): check value \(key.checkValue)")
        }
    }
}
