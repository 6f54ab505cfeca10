import ArgumentParser
import Columnar
import Foundation
import Model
import Transform

#if canImport(Glibc)
import Glibc
#elseif canImport(Musl)
import Musl
#endif

extension KeysCommand {
    /// The key holder's way back: published texts on standard input, values on standard output, a line in the audit file.
    struct RevealValues: ParsableCommand {
        static let configuration = CommandConfiguration(
            commandName: "reveal", abstract: "Turns back what format_preserving and encrypt wrote.",
            discussion: """
                Reads texts line by line from standard input and prints their values, each
                on its line: on a terminal, or elsewhere with --to-pipe. Write the options
                as the document has the step's arguments. Before anything is printed, one
                line goes to the audit file: who, when, with which key, and how many; never
                a value.

                A line that cannot be turned back is named and prints as an empty line, and
                the exit code is 5. A column of `as: binary` is given as hexadecimal, with
                --as hex. A wrong key shows with --encrypt but not with --format-preserving:
                give --check-value, which the module's metadata states.

                  etlx keys reveal --key people.key --audit reveal.log \\
                    --encrypt --context notes < sealed.txt
                  etlx keys reveal --key people.key --audit reveal.log \\
                    --format-preserving --scope card --alphabet digits \\
                    --keep-prefix 6 < cards.txt
                """)

        @Option(help: "The key file.") var key: String
        @Option(help: "The file that gets the audit line.") var audit: String
        @Option(help: "The check value that the key must have.") var checkValue: String?
        @Flag(help: "The texts were written by format_preserving.") var formatPreserving = false
        @Flag(help: "The texts were written by encrypt.") var encrypt = false
        @Flag(help: "Print values even where standard output is no terminal.") var toPipe = false

        @Option(help: "Of encrypt: its context.") var context: String?
        @Option(name: .customLong("as"), help: "Of encrypt: base64url, base32 or hex.") var form: String?

        @Option(help: "Of format_preserving: its scope.") var scope: String?
        @Option(help: "Of format_preserving: its alphabet.") var alphabet: String?
        @Option(help: "Of format_preserving: its tweak.") var tweak: String?
        @Option(help: "Of format_preserving: characters kept in front.") var keepPrefix: Int?
        @Option(help: "Of format_preserving: characters kept at the end.") var keepSuffix: Int?
        @Option(help: "Of format_preserving: characters that keep their places.") var separators: String?
        @Option(help: "Of format_preserving: luhn or mod97.") var checkDigit: String?
        @Option(help: "Of format_preserving: permute.") var smallDomain: String?
        @Flag(help: "Of format_preserving: as the document has it.") var allowWeak = false
        @OptionGroup var common: CommonOptions

        /// More than this is turned back in pieces.
        static let byteLimit = 256 << 20

        func run() throws {
            guard formatPreserving != encrypt else {
                throw Stop(.wrongDocument, "say which step wrote the texts: --format-preserving or --encrypt")
            }
            guard toPipe || Console.isOutputTerminal else {
                throw Stop(
                    .wrongDocument, "values are printed on a terminal only; add --to-pipe to print them elsewhere")
            }
            if form == "binary" { throw Stop(.wrongDocument, "give binary texts as hexadecimal, with --as hex") }
            let secret = try readKey()
            let reveal = try makeReveal(secret)
            do {
                let file = try AuditFile(path: audit)
                let tokens = try readTokens()
                let result = reveal.values(of: tokens)
                try file.append(entry(reveal, secret, lines: tokens.rowCount, failed: result.failures.count))
                try show(result)
            } catch let error as AuditError {
                throw Stop(.failed, error.description)
            }
        }

        private func readKey() throws -> MaskingKey {
            let secret: MaskingKey
            do { secret = try KeyFile.read(key, name: "key") } catch { throw Stop(.wrongDocument, error.description) }
            if let checkValue, checkValue.lowercased() != secret.checkValue {
                throw Stop(.checkFailed, "\(key): the key's check value is \(secret.checkValue), not \(checkValue)")
            }
            return secret
        }

        /// The step as a document would have it, so that its arguments mean the same and are refused alike.
        private func makeReveal(_ secret: MaskingKey) throws -> Reveal {
            func scalar(_ kind: Node.Scalar.Kind, _ text: String?) -> Node? {
                text.map { Node(position: .start, value: .scalar(.init(kind: kind, text: $0, written: $0))) }
            }
            let arguments: [(String, Node?)] = [
                ("key", scalar(.text, secret.name)), ("context", scalar(.text, context)), ("as", scalar(.text, form)),
                ("scope", scalar(.text, scope)), ("alphabet", scalar(.text, alphabet)), ("tweak", scalar(.text, tweak)),
                ("keep_prefix", scalar(.integer, keepPrefix.map(String.init))),
                ("keep_suffix", scalar(.integer, keepSuffix.map(String.init))),
                ("separators", scalar(.text, separators)), ("check_digit", scalar(.text, checkDigit)),
                ("small_domain", scalar(.text, smallDomain)),
                ("allow_weak", allowWeak ? scalar(.boolean, "true") : nil),
            ]
            let entries = arguments.compactMap { name, node in
                node.map { Node.Entry(key: name, keyPosition: .start, value: $0) }
            }
            let step = StepSpec(
                verb: encrypt ? "encrypt" : "format_preserving", position: .start,
                argument: Node(position: .start, value: .map(entries)))
            var problems = ProblemList(file: nil)
            guard let reveal = Reveal(undoing: step, key: secret, problems: &problems) else {
                for problem in problems.problems {
                    Console.error(problem.found + (problem.expected.isEmpty ? "" : "; expected \(problem.expected)"))
                }
                throw Stop(.wrongDocument)
            }
            return reveal
        }

        /// The lines of standard input, without their ends.
        private func readTokens() throws -> Column {
            var input = Data()
            while let piece = try FileHandle.standardInput.read(upToCount: 1 << 20), !piece.isEmpty {
                input.append(piece)
                guard input.count <= Self.byteLimit else {
                    throw Stop(
                        .failed, "more than \(Console.size(Int64(Self.byteLimit))) on standard input; give it in pieces"
                    )
                }
            }
            var lines = input.split(separator: UInt8(ascii: "\n"), omittingEmptySubsequences: false)
            if lines.last?.isEmpty == true { lines.removeLast() }
            var builder = VariableBuilder(rows: lines.count, bytes: input.count)
            for line in lines {
                let token = line.last == UInt8(ascii: "\r") ? line.dropLast() : line
                unsafe token.withUnsafeBytes { unsafe builder.append($0) }
            }
            return builder.finish(type: .text)
        }

        private func entry(_ reveal: Reveal, _ secret: MaskingKey, lines: Int, failed: Int) -> JSON {
            .record([
                "time": .text(Date().formatted(.iso8601)),
                "user": .text(Self.userName), "user_id": .integer(Int64(getuid())),
                "key_check_value": .text(secret.checkValue), "method": .text(reveal.methodName),
                encrypt ? "context" : "scope": .text(reveal.scope),
                "lines": .integer(Int64(lines)), "revealed": .integer(Int64(lines - failed)),
                "not_revealed": .integer(Int64(failed)),
            ])
        }

        private static var userName: String {
            guard let record = unsafe getpwuid(getuid()), let name = unsafe record.pointee.pw_name else {
                return "unknown"
            }
            return unsafe String(cString: name)
        }

        /// Prints every line's value; lines that have none are told on standard error, the first twenty by number.
        private func show(_ result: Reveal.Result) throws {
            let failures = Dictionary(
                result.failures.map { ($0.row, $0.failure.found) }, uniquingKeysWith: { first, _ in first })
            var output = ""
            var told = 0
            var unprintable = 0
            for row in 0..<result.values.rowCount {
                let line = row + 1
                var problem = failures[row]
                let bytes = unsafe Array(result.values.variableBytes(row))
                let text = String(validating: bytes, as: UTF8.self)
                if common.json {
                    output += JSON.record([
                        "line": .integer(Int64(line)), "value": problem == nil ? text.map { .text($0) } : nil,
                        "bytes": problem == nil && text == nil ? .text(bytes.hexadecimal) : nil,
                        "error": problem.map { .text($0) },
                    ]).text()
                } else if problem == nil {
                    if let text, !text.unicodeScalars.contains(where: { $0.properties.generalCategory == .control }) {
                        output += text
                    } else {
                        // A control character could command the terminal, or make one value look like two.
                        problem = "has a value with control characters or other bytes than text; --json prints it"
                        unprintable += 1
                    }
                }
                output += "\n"
                if let problem {
                    told += 1
                    if told <= 20 { Console.error("line \(line) \(problem)") }
                }
            }
            if told > 20 { Console.error("and \(told - 20) more lines") }
            FileHandle.standardOutput.write(Data(output.utf8))
            if !failures.isEmpty { throw Stop(.checkFailed) }
            if unprintable > 0 { throw Stop(.failed) }
        }
    }
}
