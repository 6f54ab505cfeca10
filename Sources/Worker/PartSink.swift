internal import Model
internal import ModuleStore

/// A part as the writer of a format sees it: bytes go through, and what the store said of a refusal stays here, because
/// the writer passes on only that there was one.
///
/// Used by one thread.
final class PartSink: ByteSink {
    private let part: any StagedPart
    private(set) var refusal: StoreError?

    init(_ part: any StagedPart) { self.part = part }

    func write(_ bytes: UnsafeRawBufferPointer) throws {
        do {
            try unsafe part.write(bytes)
        } catch {
            refusal = error as? StoreError
            throw error
        }
    }
}
