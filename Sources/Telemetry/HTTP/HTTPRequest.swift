internal import Model

/// What a client asked for, as far as a port answers it: RFC 9112 for GET without a body.
enum HTTPRequest: Equatable {
    case path(HTTPPort.Path)
    /// 400, 404, 405, 414 or 431.
    case refused(Int)

    /// - Parameters:
    ///   - bytes: all that was received.
    ///   - newCount: how many of them came last; 0: the client sends no more.
    /// - Returns: nil when the head is not complete.
    init?(_ bytes: [UInt8], newCount: Int) {
        let limit = Limits.bytesPerRequestHead
        guard let first = bytes.first, (0x41...0x5a).contains(first) else {
            self = .refused(400)
            return
        }
        // The end can begin in what was there before.
        let recent = bytes[max(0, bytes.count - newCount - 3)...]
        if let end = recent.firstRange(of: [13, 10, 13, 10])?.lowerBound, end + 4 <= limit {
            self = HTTPRequest(head: bytes[..<(end + 2)])
        } else if bytes.count >= limit {
            self = .refused(bytes[..<limit].contains(10) ? 431 : 414)
        } else if newCount == 0 {
            self = .refused(400)
        } else {
            return nil
        }
    }

    /// `head`: the request line and the headers, each with its CR LF.
    private init(head: ArraySlice<UInt8>) {
        var lines: [Substring] = []
        for line in head.dropLast().split(separator: 10, omittingEmptySubsequences: false) {
            let text = line.last == 13 ? line.dropLast() : line
            guard line.last == 13, text.allSatisfy({ $0 == 9 || (0x20...0x7e).contains($0) }) else {
                self = .refused(400)
                return
            }
            lines.append(Substring(decoding: text, as: UTF8.self))
        }
        let words = lines[0].split(separator: " ", omittingEmptySubsequences: false)
        guard words.count == 3, words[0].allSatisfy({ ("A"..."Z").contains($0) }), words[1].first == "/",
            words[2] == "HTTP/1.1" || words[2] == "HTTP/1.0", let hosts = HTTPRequest.hosts(lines.dropFirst()),
            hosts == 1 || (hosts == 0 && words[2] == "HTTP/1.0")
        else {
            self = .refused(400)
            return
        }
        guard words[0] == "GET" else {
            self = .refused(405)
            return
        }
        self = HTTPPort.Path(rawValue: String(words[1].prefix { $0 != "?" })).map { .path($0) } ?? .refused(404)
    }

    /// How many headers name the host; nil when one is no header.
    private static func hosts(_ lines: ArraySlice<Substring>) -> Int? {
        var count = 0
        for line in lines {
            let name = line.prefix { $0 != ":" }
            guard name.count < line.count, !name.isEmpty,
                name.allSatisfy({ $0.isLetter || $0.isNumber || "!#$%&'*+-.^_`|~".contains($0) })
            else { return nil }
            if name.lowercased() == "host" { count += 1 }
        }
        return count
    }

    /// The whole answer, head and body.
    func response(_ answer: (HTTPPort.Path) -> HTTPPort.Answer) -> [UInt8] {
        switch self {
        case .path(let path):
            switch answer(path) {
            case .well: Self.response("200 OK", "ok\n")
            case .unwell(let reason): Self.response("503 Service Unavailable", "\(reason)\n")
            case .metrics(let metrics): Self.response("200 OK", metrics.text, type: Metrics.contentType)
            }
        case .refused(404):
            Self.response("404 Not Found", HTTPPort.Path.allCases.map { $0.rawValue + "\n" }.joined())
        case .refused(405): Self.response("405 Method Not Allowed", "only GET\n", header: "Allow: GET\r\n")
        case .refused(414): Self.response("414 URI Too Long", "the request line is too long\n")
        case .refused(431): Self.response("431 Request Header Fields Too Large", "the headers are too long\n")
        case .refused: Self.response("400 Bad Request", "this port speaks HTTP/1.1\n")
        }
    }

    private static func response(
        _ status: String, _ body: String, type: String = "text/plain; charset=utf-8", header: String = ""
    ) -> [UInt8] {
        Array(
            ("HTTP/1.1 \(status)\r\nContent-Type: \(type)\r\nContent-Length: \(body.utf8.count)\r\n\(header)"
                + "Cache-Control: no-store\r\nConnection: close\r\n\r\n\(body)").utf8)
    }
}
