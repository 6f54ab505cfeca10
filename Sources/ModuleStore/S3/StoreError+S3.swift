import Model
import S3

extension StoreError {
    /// What an answer of S3 means to a store. The server's own words stay behind but for its code.
    init(_ error: S3Error, _ path: String) {
        let code: Code =
            switch error.code {
            case .unreachable, .server: .unreachable
            case .credentials, .notAllowed, .untrusted: .notAllowed
            case .notFound: .notFound
            case .changed, .damaged, .tooLarge: .damaged
            case .badLocation, .wrongRegion: .badName
            case .refused: error.isFull ? .noSpace : .inputOutput
            }
        // The subject names the key: once is enough.
        let bare = S3Error(
            error.code, action: error.action, error.detail, status: error.status, serverCode: error.serverCode)
        self.init(
            code, error.key ?? path, bare.description, isLasting: error.disposition == .failRun)
    }
}
