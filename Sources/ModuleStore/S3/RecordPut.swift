internal import Foundation
import Model
import S3

/// Creates one small object, or finds out that it is there: the commit of a version.
///
/// An answer that says neither yes nor no (409, 5xx, a time-out, a reset) leaves it unknown whether the bytes were or will
/// be kept. Only one thing is right then: send the same bytes to the same name until the answer is "created" or "exists",
/// and in the second case look whose bytes they are. A listing or a 404 proves nothing: the first request may still land.
struct RecordPut {
    let storage: S3Storage
    let path: String
    let bytes: [UInt8]

    /// - Parameter isInTime: as `Storage.create` has it.
    /// - Throws: `.unknown` when patience or time ends; another error when the store refuses before anything could be kept.
    func run(isInTime: () -> Bool) throws(StoreError) -> Creation {
        let start = ContinuousClock.now
        var pause = Duration.milliseconds(100)
        var (isUnknown, wasUnknown) = (false, "no answer")
        while true {
            let answer: S3Creation
            do throws(S3Error) {
                answer = try storage.client.putIfAbsent(path, bytes, isInTime: isInTime)
            } catch  where isUnknown {
                answer = .unknown(reason: error.serverCode ?? error.code.rawValue)
            } catch {
                throw StoreError(error, path)
            }
            switch answer {
            case .created: return .created
            case .tooLate where isUnknown:
                throw StoreError(.unknown, path, "it is too late to ask the bucket again whether it kept the record")
            case .tooLate: throw .tooLate(path)
            case .exists:
                if let found = try contents() { return found == bytes ? .wasThere : .taken }
            case .refused(let status, let code):
                // What was sent before may have been kept all the same.
                guard isUnknown else {
                    throw StoreError(
                        status == 403 ? .notAllowed : .inputOutput, path,
                        "the bucket refuses to create a name only if it is free (HTTP \(status)\(code.map { ", \($0)" } ?? "")); check its policy and that of the credentials"
                    )
                }
                wasUnknown = code ?? "HTTP \(status)"
            case .unknown(let reason):
                isUnknown = true
                wasUnknown = reason
            }
            guard ContinuousClock.now - start + pause < storage.patience else {
                throw StoreError(.unknown, path, "the bucket did not say whether the record was kept (\(wasUnknown))")
            }
            Thread.sleep(forTimeInterval: Double(pause / .milliseconds(1)) / 1000)
            pause = min(pause * 2, .seconds(5)) * Double.random(in: 0.7...1.3)
        }
    }

    /// nil: it cannot be read just now. It stays, so a later look will find it.
    private func contents() throws(StoreError) -> [UInt8]? {
        do throws(S3Error) {
            return try storage.client.get(path, limit: Limits.bytesPerRecord)
        } catch  where error.code == .tooLarge {
            return []
        } catch {
            return nil
        }
    }
}
