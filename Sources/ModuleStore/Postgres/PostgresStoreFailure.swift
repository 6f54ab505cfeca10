internal import Model
internal import Postgres

extension StoreError {
    /// What a failed statement means to a store: by SQLSTATE alone. The server's text stays behind, it may quote rows.
    static func postgres(_ error: PostgresError, _ subject: String, _ action: String) -> StoreError {
        switch error.cause {
        case .wrongURL:
            return StoreError(
                .badName, subject,
                "the target's URL is not one of PostgreSQL: postgresql://user:password@host:port/database")
        case .severalHosts:
            return StoreError(.badName, subject, "the target's URL names several hosts; versions are in one of them")
        case .oldServer:
            return StoreError(.badName, subject, "the server is older than PostgreSQL 14")
        case .tooSlow:
            return StoreError(.unreachable, subject, "\(error.place) did not answer in time")
        case .state(nil):
            return StoreError(.unreachable, subject, "no connection to \(error.place), or it was lost")
        case .state(let state?):
            return StoreError(
                code(of: state), subject, "cannot \(action): \(reason(of: state, error.place)) (SQLSTATE \(state))")
        }
    }

    private static func code(of state: String) -> Code {
        switch state {
        case "42501": .notAllowed
        case "42P07", "42710", "42P06": .alreadyExists
        case "42P01", "3F000": .notFound
        case "3D000", "42704": .badName
        case "55P03", "57014", "40001", "40P01", "25P03": .unreachable
        case "53100": .noSpace
        default:
            switch state.prefix(2) {
            case "08", "53", "57": .unreachable
            case "28": .notAllowed
            default: .inputOutput
            }
        }
    }

    private static func reason(of state: String, _ place: String) -> String {
        switch state {
        case "42501": "the role may not do this"
        case "42P07", "42710", "42P06": "it is there already"
        case "42P01", "3F000": "it is not there"
        case "3D000": "the database is not there"
        case "42704": "a role is not there"
        case "55P03": "another session holds a lock"
        case "57014": "the server ended the statement, which took too long"
        case "40001", "40P01": "another session was in the way"
        case "25P03": "the server ended a transaction that fell silent"
        case "53100": "the server's disk is full"
        case "54000", "54001", "54011": "it is beyond one of the server's limits"
        default:
            switch state.prefix(2) {
            case "08", "57": "the connection to \(place) was lost"
            case "28": "\(place) refused the user or password"
            case "53": "\(place) is out of connections or memory"
            default: "the server refused it"
            }
        }
    }
}
