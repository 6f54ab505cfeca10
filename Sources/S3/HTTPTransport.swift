internal import CCurl
internal import Model
internal import Synchronization

/// Times after which a transfer is given up.
package struct S3Timeouts: Sendable, Equatable {
    package var connect: Duration
    /// How long no byte may move in either direction; whole seconds.
    package var stall: Duration

    package init(connect: Duration = .seconds(10), stall: Duration = .seconds(30)) {
        self.connect = connect
        self.stall = stall
    }
}

/// HTTP/1.1 by libcurl: blocking calls from any number of threads, connections kept alive in between.
///
/// Certificates and host names are checked always; redirects are not followed.
@safe final class HTTPTransport: Sendable {
    /// A handle of libcurl with its open connections. It is used by one thread at a time: whoever took it from the pool.
    ///
    /// `@unchecked Sendable`: it moves between threads, and the pool's lock orders their uses.
    @safe private final class Handle: @unchecked Sendable {
        let raw: UnsafeMutableRawPointer

        init?() {
            guard let raw = unsafe curl_easy_init() else { return nil }
            unsafe self.raw = raw
        }

        deinit { unsafe curl_easy_cleanup(raw) }
    }

    private let timeouts: S3Timeouts
    private let authorityFile: String?
    private let idle = Mutex<[Handle]>([])
    /// More than the threads of one process; the rest are closed.
    private static let idleLimit = 16
    /// libcurl wants it once, before any handle; it counts and may be asked again.
    private static let isReady: Bool = curl_shim_start() == CURLE_OK

    init(timeouts: S3Timeouts, authorityFile: String?) {
        self.timeouts = timeouts
        self.authorityFile = authorityFile
    }

    /// Sends a request and takes its whole answer. The body's memory is the caller's for the time of the call.
    ///
    /// - Throws: what kept the answer from coming, or from being whole by its own `Content-Length`.
    func perform(_ request: HTTPRequest, _ body: UnsafeRawBufferPointer?) throws(HTTPFailure) -> HTTPAnswer {
        guard Self.isReady, let handle = idle.withLock({ $0.popLast() }) ?? Handle() else { throw .impossible(0) }
        let transfer = HTTPTransfer(bodyLimit: request.bodyLimit)
        let result = unsafe run(request, body, on: handle.raw, into: transfer)
        if result == CURLE_OK || result == CURLE_WRITE_ERROR {
            // Options hold pointers into this call: none may outlive it.
            unsafe curl_easy_reset(handle.raw)
            idle.withLock { if $0.count < Self.idleLimit { $0.append(handle) } }
        }
        if transfer.isTooLarge { throw .tooLarge }
        guard result == CURLE_OK else { throw Self.failure(result) }
        guard let answer = transfer.answer else { throw .garbage }
        return answer
    }

    private func run(
        _ request: HTTPRequest, _ body: UnsafeRawBufferPointer?, on raw: UnsafeMutableRawPointer,
        into transfer: HTTPTransfer
    ) -> CURLcode {
        var list: UnsafeMutablePointer<curl_slist>?
        defer { unsafe curl_slist_free_all(list) }
        // `Expect: 100-continue` and a content type are libcurl's idea; the signature covers what is said here.
        for (name, value) in request.headers + [("Expect", "")] {
            // A header without value is one that libcurl leaves out; `name;` sends it empty.
            let line = value.isEmpty ? (name == "Expect" ? "Expect:" : "\(name);") : "\(name): \(value)"
            guard let longer = unsafe curl_slist_append(list, line) else { return CURLE_OUT_OF_MEMORY }
            unsafe list = longer
        }
        if !request.headers.contains(where: { $0.0.lowercased() == "content-type" }),
            let longer = unsafe curl_slist_append(list, "Content-Type:")
        {
            unsafe list = longer
        }
        unsafe setUp(raw, request, hasBody: body != nil)
        unsafe curl_shim_set_headers(raw, list)
        if let body = unsafe body {
            unsafe _ = curl_shim_set_body(raw, body.baseAddress, curl_off_t(body.count))
        }
        return unsafe transfer.receive(raw)
    }

    private func setUp(_ raw: UnsafeMutableRawPointer, _ request: HTTPRequest, hasBody: Bool) {
        func set(_ option: CURLoption, _ value: Int) { unsafe _ = curl_shim_set_long(raw, option, value) }
        func set(_ option: CURLoption, _ value: String) { unsafe _ = curl_shim_set_text(raw, option, value) }
        set(CURLOPT_URL, request.url)
        set(CURLOPT_PROTOCOLS_STR, "http,https")
        set(CURLOPT_HTTP_VERSION, Int(CURL_HTTP_VERSION_1_1))
        set(CURLOPT_PATH_AS_IS, 1)
        set(CURLOPT_FOLLOWLOCATION, 0)
        set(CURLOPT_NOSIGNAL, 1)
        set(CURLOPT_TCP_KEEPALIVE, 1)
        set(CURLOPT_SSL_VERIFYPEER, 1)
        set(CURLOPT_SSL_VERIFYHOST, 2)
        if let authorityFile { set(CURLOPT_CAINFO, authorityFile) }
        set(CURLOPT_USERAGENT, "\(ProductVersion.name)/\(ProductVersion.text)")
        set(CURLOPT_CONNECTTIMEOUT_MS, Int(timeouts.connect.inMilliseconds))
        set(CURLOPT_LOW_SPEED_LIMIT, 1)
        set(CURLOPT_LOW_SPEED_TIME, max(1, Int((request.stallLimit ?? timeouts.stall).inMilliseconds) / 1000))
        set(CURLOPT_BUFFERSIZE, 512 << 10)
        set(CURLOPT_UPLOAD_BUFFERSIZE, 1 << 20)
        if request.isSentOnce { set(CURLOPT_FRESH_CONNECT, 1) }
        if request.avoidsProxies { set(CURLOPT_PROXY, "") }
        switch request.method {
        case "HEAD": set(CURLOPT_NOBODY, 1)
        case "GET": set(CURLOPT_HTTPGET, 1)
        default:
            set(CURLOPT_POST, hasBody ? 1 : 0)
            set(CURLOPT_CUSTOMREQUEST, request.method)
        }
    }

    private static func failure(_ code: CURLcode) -> HTTPFailure {
        switch code {
        case CURLE_COULDNT_RESOLVE_HOST, CURLE_COULDNT_RESOLVE_PROXY, CURLE_COULDNT_CONNECT: .noConnection
        case CURLE_OPERATION_TIMEDOUT: .timeout
        case CURLE_SEND_ERROR, CURLE_RECV_ERROR, CURLE_GOT_NOTHING, CURLE_PARTIAL_FILE, CURLE_SSL_CONNECT_ERROR: .broken
        case CURLE_PEER_FAILED_VERIFICATION, CURLE_SSL_CACERT_BADFILE, CURLE_SSL_ISSUER_ERROR: .untrusted
        case CURLE_WEIRD_SERVER_REPLY, CURLE_UNSUPPORTED_PROTOCOL, CURLE_BAD_CONTENT_ENCODING, CURLE_HTTP2: .garbage
        default: .impossible(Int(code.rawValue))
        }
    }
}

extension Duration {
    var inMilliseconds: Int64 {
        let (seconds, attoseconds) = components
        return seconds * 1000 + attoseconds / 1_000_000_000_000_000
    }
}
