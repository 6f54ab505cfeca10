import Foundation
import Model
import Synchronization
import TestKit
import Testing

@testable import Cluster

/// What this process holds, for tests that run in a process of their own.
enum ProcessUse {
    static var descriptors: Int {
        (try? FileManager.default.contentsOfDirectory(atPath: "/proc/self/fd").count) ?? 0
    }

    static var residentBytes: Int {
        let pages = (try? String(contentsOfFile: "/proc/self/statm", encoding: .utf8))?.split(separator: " ")
        return (pages.flatMap { $0.count > 1 ? Int($0[1]) : nil } ?? 0) * 4096
    }
}

/// Hands on what a test wrote in its own process: figures.
func tell(_ result: ExitTest.Result?) {
    let lines = String(decoding: result?.standardOutputContent ?? [], as: UTF8.self).split(separator: "\n")
    for line in lines where line.hasPrefix("figures: ") { print(line) }
}

/// A TCP connection that says what it likes.
final class Stranger {
    private let descriptor: CInt

    init?(port: UInt16) {
        descriptor = socket(AF_INET, CInt(SOCK_STREAM.rawValue), 0)
        var address = sockaddr_in()
        address.sin_family = sa_family_t(AF_INET)
        address.sin_port = port.bigEndian
        address.sin_addr.s_addr = UInt32(0x7f00_0001).bigEndian
        let result = unsafe withUnsafePointer(to: &address) { pointer in
            unsafe pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) {
                unsafe connect(descriptor, $0, socklen_t(MemoryLayout<sockaddr_in>.size))
            }
        }
        guard result == 0 else { return nil }
    }

    func say(_ bytes: [UInt8]) { _ = unsafe send(descriptor, bytes, bytes.count, CInt(MSG_NOSIGNAL)) }

    /// The next close resets the connection.
    func willReset() {
        var option = linger(l_onoff: 1, l_linger: 0)
        _ = unsafe setsockopt(descriptor, SOL_SOCKET, SO_LINGER, &option, socklen_t(MemoryLayout<linger>.size))
    }

    deinit { close(descriptor) }
}

extension SocketTests {
    @Suite("strangers")
    struct HostileTests {
        /// Hellos of protocols that are not ours, whole and in pieces.
        static func greeting(_ generator: inout SeededGenerator) -> [UInt8] {
            let http = Array("GET / HTTP/1.1\r\nHost: a\r\n\r\n".utf8)
            let scalability: [UInt8] = [0, 0x53, 0x50, 0, 0, 0x30, 0, 0]
            let clientHello: [UInt8] = [0x16, 3, 1, 0, 0xc8, 1, 0, 0, 0xc4, 3, 3]
            switch Int.random(in: 0..<7, using: &generator) {
            case 0: return []
            case 1: return http
            case 2: return Array(scalability.prefix(Int.random(in: 1...8, using: &generator)))
            // A message that claims 2^63 bytes, and one that is longer than allowed.
            case 3: return scalability + [0x80] + [UInt8](repeating: 0, count: 7)
            case 4: return scalability + [0, 0, 0, 0, 0, 1, 0, 1] + [UInt8](repeating: 7, count: 100)
            case 5: return clientHello + (0..<60).map { _ in UInt8.random(in: .min ... .max, using: &generator) }
            default: return (0..<200).map { _ in UInt8.random(in: .min ... .max, using: &generator) }
            }
        }

        static func annoy(_ address: String, tls: TLSFiles?) throws {
            let server = try AnsweringServer(
                at: [address], tls: address.hasPrefix("tls") ? Certificates.shared.get().server : nil)
            let port = try NetworkAddress(server.address).port
            let good = try RequestSocket(address: server.address, tls: tls)
            func crowd(_ count: Int, seed: UInt64) -> Int {
                var generator = SeededGenerator(seed: seed)
                var failures = 0
                for index in 0..<count {
                    guard let stranger = Stranger(port: port) else { continue }
                    stranger.say(greeting(&generator))
                    if Bool.random(using: &generator) { stranger.willReset() }
                    if index % 10 == 0, (try? good.ask(call(.poll), id: .random())) != .accepted { failures += 1 }
                }
                return failures
            }
            #expect(crowd(2000, seed: 1) == 0, "the good client is answered all along")
            _ = becomesTrue(within: .seconds(3)) { server.server.pipeCount == 1 }
            let descriptors = ProcessUse.descriptors
            var growths: [Int] = []
            // What is left of strangers is left each time; that more of them are there at once is a busy machine.
            repeat {
                let bytes = ProcessUse.residentBytes
                #expect(crowd(2000, seed: UInt64(2 + growths.count)) == 0, "the good client is answered all along")
                #expect(
                    becomesTrue(within: .seconds(15)) { ProcessUse.descriptors <= descriptors },
                    "\(descriptors) → \(ProcessUse.descriptors) descriptors")
                #expect(server.server.pipeCount == 1)
                growths.append(ProcessUse.residentBytes - bytes)
            } while growths.last! >= 10 << 20 && growths.count < 4
            #expect(growths.last! < 10 << 20, "\(growths) bytes more, each time")
            print(
                """
                figures: 2000 strangers at \(address.prefix(3)), descriptors \(descriptors) → \(ProcessUse.descriptors), \
                resident \(growths.map { "\($0 >> 10) KiB" }.joined(separator: ", ")) more
                """)
            good.close()
            server.stop()
        }

        @Test("on a plain port change nothing: no descriptor and no memory is left of them")
        func plain() async {
            let result = await #expect(processExitsWith: .success, observing: [\.standardOutputContent]) {
                try HostileTests.annoy("tcp://127.0.0.1:0", tls: nil)
            }
            tell(result)
        }

        @Test("on a TLS port change nothing either")
        func encrypted() async {
            let result = await #expect(processExitsWith: .success, observing: [\.standardOutputContent]) {
                try HostileTests.annoy("tls+tcp://127.0.0.1:0", tls: Certificates.shared.get().client)
            }
            tell(result)
        }

        @Test("frames that were changed anywhere are answered, refused or let go: nothing crashes, nothing grows")
        func mutatedFrames() async {
            let result = await #expect(processExitsWith: .success, observing: [\.standardOutputContent]) {
                let variables = ProcessInfo.processInfo.environment
                let count = variables["ETL_TEST_FRAMES"].flatMap(Int.init) ?? 10_000
                let seed = variables["ETL_TEST_SEED"].flatMap(UInt64.init) ?? 4711
                let server = try AnsweringServer { _ in .drain }
                let address = server.address
                let frames = try GoldenFrames.calls.map { try WireFormat.frame($0.0, id: .random()) }
                let (read, refused, dropped, lost) = (Counter(), Counter(), Counter(), Counter())
                func send(_ count: Int, seed: UInt64) {
                    onThreads(4) { thread in
                        guard let stranger = RawRequester(address) else { return lost.add(count) }
                        var mutation = FrameMutation(frames, seed: seed &* 4 &+ UInt64(thread))
                        for _ in 0..<count / 4 {
                            switch stranger.exchange(mutation.next()).map({ try? WireFormat.reply(from: $0).1 }) {
                            case nil: lost.add()
                            case .drain?: read.add()
                            case .refused?: refused.add()
                            default: dropped.add()
                            }
                        }
                        stranger.close()
                    }
                }
                send(4000, seed: seed &+ 1)
                let (bytes, descriptors) = (ProcessUse.residentBytes, ProcessUse.descriptors)
                let start = ContinuousClock.now
                send(count, seed: seed)
                let growth = ProcessUse.residentBytes - bytes
                print(
                    """
                    figures: \(count) frames of seed \(seed) in \(start.duration(to: .now)): \(read.value) read, \
                    \(refused.value) refused, \(dropped.value) let go, \(lost.value) lost; resident \(bytes >> 20) MiB \
                    + \(growth >> 10) KiB, descriptors \(descriptors) → \(ProcessUse.descriptors)
                    """)
                #expect(lost.value == 0 && read.value > 0 && refused.value > 0 && dropped.value > 0)
                #expect(growth < 10 << 20, "\(growth) bytes more, seed \(seed)")
                let good = try RequestSocket(address: address)
                #expect(try good.ask(call(.poll), id: .random()) == .drain)
                good.close()
                server.stop()
            }
            tell(result)
        }
    }
}

/// Good frames, changed in one to four places.
struct FrameMutation {
    private let frames: [[UInt8]]
    private var generator: SeededGenerator

    init(_ frames: [[UInt8]], seed: UInt64) {
        self.frames = frames
        generator = SeededGenerator(seed: seed)
    }

    mutating func next() -> [UInt8] {
        var frame = any()
        for _ in 0..<Int.random(in: 1...4, using: &generator) { change(&frame) }
        return Array(frame.prefix(Limits.bytesPerMessage))
    }

    private mutating func any() -> [UInt8] { frames[Int.random(in: 0..<frames.count, using: &generator)] }

    private mutating func change(_ frame: inout [UInt8]) {
        let at = Int.random(in: 0...frame.count, using: &generator)
        switch Int.random(in: 0..<7, using: &generator) {
        case 0 where at < frame.count: frame[at] ^= 1 << UInt8.random(in: 0..<8, using: &generator)
        case 1 where at < frame.count: frame[at] = .random(in: .min ... .max, using: &generator)
        case 2: frame.removeSubrange(at...)
        case 3: frame.insert(contentsOf: any().prefix(40), at: at)
        case 4: frame = Array(frame[..<at]) + any().dropFirst(at)
        case 5:
            // Brackets, quotes and digits are what parsers trip over.
            let piece = Array(#"[{"\u0000:,99999999999999999999-1e"#.utf8)
            frame.insert(contentsOf: piece.shuffled(using: &generator).prefix(6), at: at)
        default:
            let depth = Int.random(in: 1...2000, using: &generator)
            frame.insert(contentsOf: [UInt8](repeating: UInt8(ascii: "["), count: depth), at: at)
        }
    }
}
