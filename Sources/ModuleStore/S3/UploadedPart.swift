import Model
import S3

/// A part on its way into a bucket: all bytes are sent, the upload stays open until the coordinator completes it.
///
/// - Cost: one SHA-256 of the bytes here, one of each piece in its signature and an MD5 of each piece; memory as `S3Upload` states it.
/// - Errors: after any of them the upload is aborted and the part is of no further use.
///
/// Used by one thread.
@safe final class UploadedPart: StagedPart {
    private let path: String
    private let stagedPath: String
    private let digest = FileDigest()
    private let upload: S3Upload
    private var byteCount: Int64 = 0
    private var isOver = false

    init(storage: S3Storage, path: String, stagedPath: String) {
        self.path = path
        self.stagedPath = stagedPath
        upload = S3Upload(storage.client, path)
    }

    deinit { abandon() }

    func write(_ bytes: UnsafeRawBufferPointer) throws {
        precondition(!isOver, "bytes for a part that is finished")
        unsafe digest.add(bytes)
        byteCount += Int64(bytes.count)
        do { try unsafe upload.write(bytes) } catch {
            abandon()
            throw (error as? S3Error).map { StoreError($0, path) } ?? error
        }
    }

    func finish() throws(StoreError) -> FinishedPart {
        guard !isOver else { throw StoreError(.inputOutput, path, "an earlier write failed") }
        do throws(S3Error) {
            let handle = UploadHandle(try upload.leaveOpen()).text
            isOver = true
            return FinishedPart(
                stagedPath: stagedPath, byteCount: byteCount, sha256: digest.finish(), handle: handle)
        } catch {
            abandon()
            throw StoreError(error, path)
        }
    }

    func abandon() {
        guard !isOver else { return }
        isOver = true
        // One that cannot be aborted now is found by the sweeper.
        try? upload.cancel()
    }
}
