internal import Foundation

/// A short request for credentials. A busy or broken server is asked three times.
struct SmallQuestion {
    let action: String
    var method = "GET"
    let url: String
    var headers: [(String, String)] = []
    var body: [UInt8]?
    var avoidsProxies = false
    var tries = 3

    func ask(_ transport: HTTPTransport) throws(S3Error) -> HTTPAnswer {
        var last: HTTPFailure?
        for attempt in 1...tries {
            if attempt > 1 { Thread.sleep(forTimeInterval: 0.1 * Double(attempt)) }
            switch send(transport) {
            case .success(let answer) where answer.status >= 500 || answer.status == 429:
                if attempt == tries { return answer }
            case .success(let answer): return answer
            case .failure(let failure): last = failure
            }
        }
        let failure = last ?? .broken
        throw S3Error(
            failure == .untrusted ? .untrusted : failure == .garbage || failure == .tooLarge ? .damaged : .unreachable,
            action: action, failure.reason)
    }

    private func send(_ transport: HTTPTransport) -> Result<HTTPAnswer, HTTPFailure> {
        func perform(_ body: UnsafeRawBufferPointer?) -> Result<HTTPAnswer, HTTPFailure> {
            let request = HTTPRequest(
                method: method, url: url, headers: headers, bodyLimit: 64 << 10, avoidsProxies: avoidsProxies)
            do throws(HTTPFailure) {
                return .success(unsafe try transport.perform(request, body))
            } catch {
                return .failure(error)
            }
        }
        guard let body else { return perform(nil) }
        return unsafe body.withUnsafeBytes { unsafe perform($0) }
    }

    /// What another answer than 200 means here.
    func refusal(_ answer: HTTPAnswer) -> S3Error {
        S3Error(
            answer.status >= 500 ? .server : .credentials, action: action, "refused", status: answer.status,
            serverCode: ServerCode.inXML(answer.body))
    }
}

/// Files of a few lines.
enum SmallFile {
    private static let byteLimit = 256 << 10

    /// nil: there is none.
    static func read(_ path: String) throws(S3Error) -> [UInt8]? {
        guard FileManager.default.fileExists(atPath: path) else { return nil }
        guard let file = FileHandle(forReadingAtPath: path), let data = try? file.read(upToCount: byteLimit + 1),
            data.count <= byteLimit
        else {
            // An empty file gives no data at all.
            if let size = try? FileManager.default.attributesOfItem(atPath: path)[.size] as? Int, size == 0 {
                return []
            }
            throw S3Error(.credentials, action: "credentials", "a file cannot be read: \(path)")
        }
        return [UInt8](data)
    }

    /// What is in a file, without the space around it.
    static func word(_ path: String, what: String) throws(S3Error) -> String {
        guard let bytes = try read(path), let text = String(validating: bytes, as: UTF8.self) else {
            throw S3Error(.credentials, action: "credentials", "\(what) is not there: \(path)")
        }
        let word = text.trimmingCharacters(in: .whitespacesAndNewlines)
        guard !word.isEmpty, !word.utf8.contains(where: { $0 < 0x20 }) else {
            throw S3Error(.credentials, action: "credentials", "\(what) is empty or has several lines: \(path)")
        }
        return word
    }
}
