internal import Cluster
internal import Extract
internal import Formats
internal import Model
internal import ModuleStore
internal import Transform

/// Every error of the rooms below, as the failure that travels to the coordinator. The one place where they are translated.
extension TaskFailure {
    static func of(_ error: any Error, table: String?) -> TaskFailure {
        let place = table.map { "table \($0)" }
        switch error {
        case let failure as TaskFailure:
            return failure
        case let error as ExtractError:
            return TaskFailure(
                kind: error.kind, disposition: error.disposition,
                message: sentence(
                    [place, "source \(error.source)", error.subject], error.reason, error.remedy),
                code: error.foreignCode ?? error.code.rawValue)
        case let error as FormatError:
            return TaskFailure(
                kind: error.kind, disposition: error.disposition,
                message: sentence(
                    [
                        place, error.column.map { "column \($0)" }, error.file.map { "file \($0)" },
                        error.row.map { error.file == nil ? "row \($0) of its shard" : "record \($0)" },
                    ], error.reason, error.remedy),
                code: error.code.rawValue)
        case let error as TransformError:
            return TaskFailure(
                kind: .data, disposition: error.disposition,
                message: sentence(
                    [
                        place, "column \(error.column)", "step \(error.step + 1) (\(error.verb))",
                        "row \(error.rowOrdinal) of its shard",
                    ], error.found, error.remedy),
                code: error.code.rawValue)
        case let error as StoreError:
            return error.failure
        case let error as ClusterError:
            return TaskFailure(kind: .worker, disposition: .retry, message: "the coordinator: \(error.reason)")
        default:
            // An error of a kind that no room declares: its text may quote data, so only its type is told.
            return TaskFailure(
                kind: .worker, disposition: .retryElsewhere,
                message: sentence([place], "an unexpected error of type \(type(of: error))", nil))
        }
    }

    private static func sentence(_ places: [String?], _ reason: String, _ remedy: String?) -> String {
        let place = places.compactMap { $0 }.joined(separator: ", ")
        return (place.isEmpty ? "" : place + ": ") + reason + (remedy.map { "; \($0)" } ?? "")
    }
}

extension ExtractError {
    fileprivate var kind: TaskFailure.Kind {
        switch code {
        case .unreachable, .notPermitted, .notFound, .transient: .source
        case .snapshotLost: .snapshotLost
        case .schemaChanged: .schemaChanged
        case .statementRefused, .rowSecurity: .document
        case .unreadable, .cellTooLarge: .data
        }
    }
}

extension FormatError {
    fileprivate var kind: TaskFailure.Kind {
        switch code {
        case .sinkFailed: .target
        // A header that does not fit is mended in the document: names, delimiter, encoding.
        case .malformedRecord where row == 0: .document
        case .malformedRecord, .wrongType, .specialValue, .invalidEncoding, .cellTooLarge, .brokenStream,
            .unsupportedForm:
            .data
        }
    }
}
