import ArgumentParser
import Cluster
import Foundation
import Model

/// How a process proves who it is and checks the others: mutual TLS, from files.
struct TLSOptions: ParsableArguments {
    @Option(help: "Certificates of the authority that every member of the cluster is signed by (PEM).")
    var ca: String?

    @Option(help: "This process's certificate (PEM).")
    var certificate: String?

    @Option(help: "Its private key (PEM), readable by its owner alone.")
    var privateKey: String?

    @Flag(help: "Allow plain tcp:// beyond this machine: only where the network itself encrypts.")
    var insecureNetwork = false

    func files(serverName: String? = nil) throws -> TLSFiles? {
        switch (ca, certificate, privateKey) {
        case (nil, nil, nil): return nil
        case (let ca?, let certificate?, let privateKey?):
            return TLSFiles(authority: ca, certificate: certificate, privateKey: privateKey, serverName: serverName)
        default:
            throw Stop(.wrongDocument, "--ca, --certificate and --private-key go together: name all three")
        }
    }
}

/// Where the coordinators are.
struct CoordinatorOptions: ParsableArguments {
    @Option(
        help: ArgumentHelp(
            "A coordinator's address, tls+tcp://HOST:PORT or tcp:// on this machine; again for each that stands by.",
            valueName: "url"))
    var coordinator: [String]

    @OptionGroup var tls: TLSOptions

    @Option(help: "The name in the coordinator's certificate, where it is not the address's host.")
    var serverName: String?

    func place() throws -> CoordinatorPlace {
        CoordinatorPlace(addresses: coordinator, tls: try tls.files(serverName: serverName))
    }
}

/// A coordinator as a person asks it: submit, status, cancel.
struct OperatorOptions: ParsableArguments {
    @OptionGroup var coordinators: CoordinatorOptions

    @Option(help: "A file with the operator's token.")
    var operatorToken: String

    /// Asks one question after another, each under the token.
    func desk() throws -> OperatorDesk {
        let asker: Asker
        do {
            asker = try Asker(try coordinators.place(), insecure: coordinators.tls.insecureNetwork)
        } catch let error as ClusterError { throw Stop(.unreachable, error.reason) }
        return OperatorDesk(
            asker: asker, token: try TokenFile.first(of: operatorToken),
            place: coordinators.coordinator.joined(separator: ", "))
    }
}

/// One person's questions to whoever leads.
struct OperatorDesk {
    let asker: Asker
    let token: String
    let place: String

    func ask(_ request: Request, patience: Duration = Limits.joinPatience) throws -> Reply {
        let call = Call(node: "operator-\(NSUserName())", credential: token, request: request)
        do throws(ClusterError) { return try asker.ask(call, patience: patience) } catch {
            throw Stop(.unreachable, "the coordinator at \(place): \(error.reason)")
        }
    }
}

/// A file of tokens: one a line, `#` begins a comment.
enum TokenFile {
    static func first(of path: String) throws -> String {
        guard let token = firstIfReadable(path) else {
            throw Stop(.wrongDocument, "\(path): no token can be read there; expected a file with one token a line")
        }
        return token
    }

    static func firstIfReadable(_ path: String) -> String? {
        guard let data = FileManager.default.contents(atPath: path), let text = String(data: data, encoding: .utf8)
        else {
            return nil
        }
        return text.split(whereSeparator: \.isNewline).map { $0.trimmingCharacters(in: .whitespaces) }
            .first { !$0.isEmpty && !$0.hasPrefix("#") }
    }
}
