import S3

/// What a receipt tells of a part's upload: `<ETag> <upload id>`, the first as `S3Upload.LeftOpen` has it.
///
/// The ETag is the worker's own, made of the bytes that it sent. Receipts of older releases are an upload id alone.
struct UploadHandle: Equatable {
    let etag: String?
    let uploadID: String

    init(_ upload: S3Upload.LeftOpen) {
        etag = upload.etag
        uploadID = upload.uploadID
    }

    init(_ text: String) {
        let space = text.firstIndex(of: " ")
        etag = space.map { String(text[..<$0]) }
        uploadID = space.map { String(text[text.index(after: $0)...]) } ?? text
    }

    var text: String { etag.map { "\($0) \(uploadID)" } ?? uploadID }
}
