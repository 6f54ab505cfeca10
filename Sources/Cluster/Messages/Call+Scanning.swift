internal import Model

/// The requests that come thousands of times a second, read without a general decoder: polls, heartbeats, parts.
extension Call {
    /// nil: another request, or not quite of the form that is expected; `JSONDecoder` says what it is then.
    init?(scanning bytes: [UInt8], in range: Range<Int>) {
        var scanner = JSONScanner(bytes, in: range)
        var (node, credential, trace): (String?, String?, String?)
        var request: Request?
        let isRead = scanner.object { scanner, name in
            switch name {
            case "node": return scanner.text(into: &node)
            case "credential": return scanner.text(into: &credential)
            case "trace": return scanner.text(into: &trace)
            case "request":
                guard request == nil else { return false }
                request = Request(scanning: &scanner)
                return request != nil
            default: return false
            }
        }
        guard isRead, scanner.isAtEnd(), let node, let credential, let request else { return nil }
        self.init(node: node, credential: credential, trace: trace, request: request)
    }
}

extension Request {
    fileprivate init?(scanning scanner: inout JSONScanner) {
        var request: Request?
        let isRead = scanner.single { scanner, name in
            switch name {
            case "poll": request = scanner.emptyObject() ? .poll : nil
            case "heartbeat": request = Request.heartbeat(&scanner)
            case "complete": request = Request.complete(&scanner)
            default: break
            }
            return request != nil
        }
        guard isRead, let request else { return nil }
        self = request
    }

    private static func heartbeat(_ scanner: inout JSONScanner) -> Request? {
        var tasks: [TaskProgress]?
        var holding: [String]?
        let isRead = scanner.object { scanner, name in
            switch name {
            case "tasks" where tasks == nil:
                var list: [TaskProgress] = []
                defer { tasks = list }
                return scanner.list { scanner in
                    guard let task = TaskProgress(scanning: &scanner) else { return false }
                    list.append(task)
                    return true
                }
            case "holding" where holding == nil:
                var list: [String] = []
                defer { holding = list }
                return scanner.list { scanner in
                    guard let run = scanner.text() else { return false }
                    list.append(run)
                    return true
                }
            default: return false
            }
        }
        guard isRead, let tasks, let holding else { return nil }
        return .heartbeat(tasks: tasks, holding: holding)
    }

    private static func complete(_ scanner: inout JSONScanner) -> Request? {
        var run: String?
        var token: Int64?
        var receipt: PartReceipt?
        let isRead = scanner.object { scanner, name in
            switch name {
            case "run": return scanner.text(into: &run)
            case "token": return scanner.number(into: &token)
            case "result" where receipt == nil:
                return scanner.single { scanner, name in
                    name == "part"
                        && scanner.single { scanner, name in
                            guard name == "_0" else { return false }
                            receipt = PartReceipt(scanning: &scanner)
                            return receipt != nil
                        }
                }
            default: return false
            }
        }
        guard isRead, let run, let token, let receipt else { return nil }
        return .complete(run: run, token: token, result: .part(receipt))
    }
}

extension TaskProgress {
    fileprivate init?(scanning scanner: inout JSONScanner) {
        var (token, rows, bytes): (Int64?, Int64?, Int64?)
        let isRead = scanner.object { scanner, name in
            switch name {
            case "token": scanner.number(into: &token)
            case "rows": scanner.number(into: &rows)
            case "bytes": scanner.number(into: &bytes)
            default: false
            }
        }
        guard isRead, let token, let rows, let bytes else { return nil }
        self.init(token: token, rows: rows, bytes: bytes)
    }
}
