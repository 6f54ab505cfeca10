import ArgumentParser
import Foundation
import Model

/// What documents may have this process do. They are written by whoever may submit, and what no option gives is refused.
struct BoundsOptions: ParsableArguments {
    @Option(
        help: ArgumentHelp(
            "Relative paths of documents start here; files, keys and certificates that they name lie below it.",
            valueName: "folder"))
    var baseDirectory: String?

    @Option(help: ArgumentHelp("${file:NAME} in a document is a file below this folder.", valueName: "folder"))
    var placeholderDirectory: String?

    @Option(help: ArgumentHelp("${env:NAME} in a document is a variable whose name begins so.", valueName: "text"))
    var placeholderPrefix: String?

    @Option(
        help: ArgumentHelp(
            "A folder that modules may be published in, or below; several are possible.", valueName: "folder"))
    var targetDirectory: [String] = []

    @Option(
        help: ArgumentHelp(
            "A server that modules may be published at: https://HOST, postgresql://HOST:PORT, or * for any.",
            valueName: "url"))
    var targetEndpoint: [String] = []

    @Option(
        help: ArgumentHelp(
            "A server that documents may read from by its name; one in a ${…} of yours needs no such word.",
            valueName: "url"))
    var sourceEndpoint: [String] = []

    func validate() throws {
        for (option, texts) in [("--target-endpoint", targetEndpoint), ("--source-endpoint", sourceEndpoint)] {
            for text in texts where DocumentBounds.Endpoint(text) == nil {
                throw ValidationError(
                    "\(option) is https://HOST, http://HOST or postgresql://HOST, each with or without :PORT, or *, found \(text)"
                )
            }
        }
        if placeholderPrefix?.isEmpty == true { throw ValidationError("--placeholder-prefix is not empty") }
    }

    var bounds: DocumentBounds {
        func absolute(_ path: String) -> String { URL(fileURLWithPath: path).standardizedFileURL.path }
        return DocumentBounds(
            baseDirectory: baseDirectory.map(absolute), placeholderDirectory: placeholderDirectory.map(absolute),
            placeholderPrefix: placeholderPrefix, targetDirectories: targetDirectory.map(absolute),
            targetEndpoints: targetEndpoint.compactMap { DocumentBounds.Endpoint($0) },
            sourceEndpoints: sourceEndpoint.compactMap { DocumentBounds.Endpoint($0) })
    }
}
