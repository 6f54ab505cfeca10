internal import CCurl

/// Takes what comes back of one request, piece by piece.
final class HTTPTransfer {
    private var headerLines: [[UInt8]] = []
    private var headerByteCount = 0
    private var body: [UInt8] = []
    private var bodyLimit: Int
    private(set) var isTooLarge = false
    private(set) var answer: HTTPAnswer?
    private static let headerLimit = 64 << 10
    /// A refusal may be longer than what was asked for.
    private static let refusalLimit = 1 << 20

    init(bodyLimit: Int) { self.bodyLimit = bodyLimit }

    /// Runs a transfer that is set up; `answer` is there when it ends well.
    func receive(_ raw: UnsafeMutableRawPointer) -> CURLcode {
        // Both functions are called by `curl_easy_perform` below and by nothing else, while `self` is alive.
        let context = unsafe Unmanaged.passUnretained(self).toOpaque()
        unsafe curl_shim_set_receiver(
            raw, CURLOPT_HEADERFUNCTION, CURLOPT_HEADERDATA,
            { bytes, size, count, context in
                guard let bytes = unsafe bytes, let context = unsafe context else { return 0 }
                let transfer = unsafe Unmanaged<HTTPTransfer>.fromOpaque(context).takeUnretainedValue()
                let piece = unsafe UnsafeRawBufferPointer(start: bytes, count: size * count)
                return unsafe transfer.takeHeader(piece) ? piece.count : 0
            }, context)
        unsafe curl_shim_set_receiver(
            raw, CURLOPT_WRITEFUNCTION, CURLOPT_WRITEDATA,
            { bytes, size, count, context in
                guard let bytes = unsafe bytes, let context = unsafe context else { return 0 }
                let transfer = unsafe Unmanaged<HTTPTransfer>.fromOpaque(context).takeUnretainedValue()
                let piece = unsafe UnsafeRawBufferPointer(start: bytes, count: size * count)
                return unsafe transfer.takeBody(piece) ? piece.count : 0
            }, context)
        let result = unsafe curl_easy_perform(raw)
        var status = 0
        if result == CURLE_OK, unsafe curl_shim_status(raw, &status) == CURLE_OK, status >= 200 {
            answer = HTTPAnswer(status: status, headers: headers(), body: body)
        }
        return result
    }

    private func takeHeader(_ piece: UnsafeRawBufferPointer) -> Bool {
        let line = unsafe Array(piece)
        // A further status line: what came before was "100 Continue" or a proxy's word.
        if line.starts(with: Array("HTTP/".utf8)) { headerLines = [] }
        headerByteCount += line.count
        guard headerByteCount <= Self.headerLimit else {
            isTooLarge = true
            return false
        }
        headerLines.append(line)
        return true
    }

    private func takeBody(_ piece: UnsafeRawBufferPointer) -> Bool {
        if body.isEmpty {
            // `HTTP/1.1 404 Not Found`
            let status = headerLines.first?.split(separator: UInt8(ascii: " ")).dropFirst().first ?? []
            if status.first != UInt8(ascii: "2") { bodyLimit = max(bodyLimit, Self.refusalLimit) }
        }
        guard body.count + piece.count <= bodyLimit else {
            isTooLarge = true
            return false
        }
        if body.isEmpty, let length = headers().last(where: { $0.0 == "content-length" }).flatMap({ Int($0.1) }) {
            body.reserveCapacity(min(length, bodyLimit))
        }
        unsafe body.append(contentsOf: piece)
        return true
    }

    private func headers() -> [(String, String)] {
        headerLines.compactMap { line in
            guard let colon = line.firstIndex(of: UInt8(ascii: ":")) else { return nil }
            func text(_ bytes: ArraySlice<UInt8>) -> String {
                let isSpace = { (byte: UInt8) in byte <= 0x20 }
                let start = bytes.drop(while: isSpace)
                let end = start.lastIndex { !isSpace($0) }.map { $0 + 1 } ?? start.startIndex
                return String(decoding: start[..<end], as: UTF8.self)
            }
            return (text(line[..<colon]).lowercased(), text(line[(colon + 1)...]))
        }
    }
}
