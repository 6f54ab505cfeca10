/// A request as it goes out: all texts are final.
struct HTTPRequest {
    var method: String
    var url: String
    var headers: [(String, String)]
    /// An answer with a longer body is an error.
    var bodyLimit: Int
    /// How long no byte may move; nil for the transport's own.
    var stallLimit: Duration?
    /// On a connection of its own: libcurl then never sends it a second time by itself.
    var isSentOnce = false
    /// Only for addresses of this machine's surroundings, which no proxy can reach.
    var avoidsProxies = false
}

struct HTTPAnswer {
    var status: Int
    /// Names in lower case, in order.
    var headers: [(String, String)] = []
    var body: [UInt8] = []

    subscript(_ name: String) -> String? { headers.last { $0.0 == name }?.1 }
}

/// Why there is no answer.
enum HTTPFailure: Error, Equatable {
    /// Nothing was sent: no address, no connection.
    case noConnection
    case timeout
    /// Broken off in the middle, or less than was announced.
    case broken
    case untrusted
    /// What came is no HTTP.
    case garbage
    case tooLarge
    /// libcurl refused the request itself, by its number.
    case impossible(Int)

    var reason: String {
        switch self {
        case .noConnection: "no connection"
        case .timeout: "no answer in time"
        case .broken: "the connection broke"
        case .untrusted: "the server's certificate is not trusted"
        case .garbage: "the answer is no HTTP"
        case .tooLarge: "the answer is too long"
        case .impossible(let number): "the request cannot be sent (libcurl \(number))"
        }
    }
}
