internal import Foundation
internal import Model
internal import Synchronization

/// Writes one object of any length in parts that go out side by side. The object is there after `finish`, or not at all.
///
/// - Parts: 8 MiB, from 10 GiB on 16 MiB, from 20 GiB on 32 MiB, from 116 GiB on 48 MiB; so an object has at most 350 GiB
///   in its 10,000 parts.
///   What fits in one part is put in one request.
/// - Memory: the part being filled and those on their way, together at most 112 MiB.
/// - Threads: one writes; each part on its way has a thread of its own.
/// - Errors: a part that fails in spite of all repetitions ends the upload: `write` or `finish` throws it, and what was
///   sent is forgotten by the server.
package final class S3Upload: ByteSink {
    package struct Finished: Sendable, Equatable {
        package let byteCount: Int64
        package let partCount: Int
    }

    /// An upload that another completes.
    package struct LeftOpen: Sendable, Equatable {
        package let uploadID: String
        /// That of the object of exactly these bytes and parts, where the server names contents by MD5.
        package let etag: String
    }

    /// What the threads of the parts report.
    private final class Progress: Sendable {
        struct State {
            var parts: [S3Part] = []
            /// MD5 of each part's bytes as they were sent, by its number.
            var digests: [Int: [UInt8]] = [:]
            var failure: S3Error?
        }
        let state = Mutex(State())
        /// A part's place among those on their way.
        let places: DispatchSemaphore

        init(window: Int) { places = DispatchSemaphore(value: window) }
    }

    private let client: S3Client
    private let key: String
    private let window: Int
    private let progress: Progress
    private var uploadID: String?
    private var buffer: [UInt8] = []
    private var partCount = 0
    private var byteCount: Int64 = 0
    /// Places that larger parts need beside their own; kept to the end.
    private var placesHeld = 0
    private var isOver = false

    private static let memoryLimit = 112 << 20
    private static let partLimit = 10_000

    /// - Parameter window: how many parts are on their way at once, as long as they have 8 MiB.
    package init(_ client: S3Client, _ key: String, window: Int = 5) {
        precondition((1...13).contains(window), "between one part and what the memory allows")
        self.client = client
        self.key = key
        self.window = window
        progress = Progress(window: window)
    }

    deinit { if !isOver { try? cancel() } }

    /// The size of part `number` (from 1).
    static func partByteCount(_ number: Int) -> Int {
        switch number {
        case ...1280: 8 << 20  // 10 GiB
        case ...1920: 16 << 20  // 20 GiB
        case ...5000: 32 << 20  // 116.25 GiB
        default: 48 << 20
        }
    }

    package func write(_ bytes: UnsafeRawBufferPointer) throws {
        precondition(!isOver, "an upload that is over takes no bytes")
        var done = 0
        while done < bytes.count {
            let size = Self.partByteCount(partCount + 1)
            // A full part goes out when it is known not to be the only one.
            if buffer.count == size { try sendPart() }
            if buffer.isEmpty { buffer.reserveCapacity(Self.partByteCount(partCount + 1)) }
            let count = min(Self.partByteCount(partCount + 1) - buffer.count, bytes.count - done)
            unsafe buffer.append(contentsOf: UnsafeRawBufferPointer(rebasing: bytes[done..<done + count]))
            done += count
        }
        byteCount += Int64(bytes.count)
    }

    /// Sends the rest and makes the object.
    package func finish() throws(S3Error) -> Finished {
        precondition(!isOver, "an upload is finished once")
        do throws(S3Error) {
            if partCount == 0 {
                try client.put(key, buffer)
                partCount = 1
            } else {
                if !buffer.isEmpty { try sendPart() }
                let parts = try allParts()
                try client.completeUpload(key, uploadID: uploadID ?? "", parts)
            }
        } catch {
            // A lost answer to the last step leaves an object that may be whole; to abort then is harmless.
            try? cancel()
            throw error
        }
        isOver = true
        buffer = []
        return Finished(byteCount: byteCount, partCount: partCount)
    }

    /// Sends the rest and leaves the upload open, so that another may complete it.
    ///
    /// There is a part even where there are no bytes.
    package func leaveOpen() throws(S3Error) -> LeftOpen {
        precondition(!isOver, "an upload is finished once")
        if !buffer.isEmpty || partCount == 0 { try sendPart() }
        _ = try allParts()
        isOver = true
        buffer = []
        let digests = progress.state.withLock { $0.digests }.sorted { $0.key < $1.key }.map(\.value)
        return LeftOpen(uploadID: uploadID ?? "", etag: S3ObjectInfo.etag(ofParts: digests))
    }

    /// Gives the object up. Waits for the parts that are on their way.
    package func cancel() throws(S3Error) {
        guard !isOver else { return }
        isOver = true
        buffer = []
        waitForAll()
        if let uploadID { try client.abortUpload(key, uploadID: uploadID) }
    }

    private func sendPart() throws(S3Error) {
        guard partCount < Self.partLimit else {
            throw S3Error(.tooLarge, action: "upload part", key: key, "an object has at most 10,000 parts")
        }
        if uploadID == nil { uploadID = try client.beginUpload(key) }
        guard let uploadID else { return }
        partCount += 1
        let (number, bytes) = (partCount, buffer)
        buffer = []
        narrow(Self.partByteCount(number))
        progress.places.wait()
        if let failure = progress.state.withLock({ $0.failure }) {
            progress.places.signal()
            throw failure
        }
        let thread = Thread { [client, key, progress] in
            do throws(S3Error) {
                let part = try client.uploadPart(key, uploadID: uploadID, number: number, bytes)
                let digest = Digests.md5(bytes)
                progress.state.withLock { state in
                    state.parts.append(part)
                    state.digests[number] = digest
                }
            } catch {
                progress.state.withLock { $0.failure = $0.failure ?? error }
            }
            progress.places.signal()
        }
        thread.name = "etlx part"
        thread.stackSize = 512 << 10
        thread.start()
    }

    /// Takes places away until the parts on their way and the one being filled fit into the memory.
    private func narrow(_ size: Int) {
        let allowed = max(1, min(window, Self.memoryLimit / size - 1))
        while window - placesHeld > allowed {
            progress.places.wait()
            placesHeld += 1
        }
    }

    private func waitForAll() {
        while placesHeld < window {
            progress.places.wait()
            placesHeld += 1
        }
        // A semaphore may not go with fewer places than it had at first.
        for _ in 0..<window { progress.places.signal() }
        placesHeld = 0
    }

    private func allParts() throws(S3Error) -> [S3Part] {
        waitForAll()
        let (parts, failure) = progress.state.withLock { ($0.parts, $0.failure) }
        if let failure { throw failure }
        precondition(parts.count == partCount, "every part is reported or failed")
        return parts.sorted { $0.number < $1.number }
    }
}
