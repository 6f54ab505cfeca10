import Foundation
import Model
import Testing

@testable import Extract

@Suite("files of a source")
struct FileReadingTests {
    /// A folder that goes with the test.
    private final class Folder {
        let path: String

        init() throws {
            path = NSTemporaryDirectory() + "etl-files-\(UUID().uuidString)"
            try FileManager.default.createDirectory(atPath: path, withIntermediateDirectories: true)
        }

        deinit { try? FileManager.default.removeItem(atPath: path) }

        func write(_ name: String, _ text: String = "x") throws {
            let url = URL(fileURLWithPath: "\(path)/\(name)")
            try FileManager.default.createDirectory(
                at: url.deletingLastPathComponent(), withIntermediateDirectories: true)
            try Data(text.utf8).write(to: url)
        }
    }

    private func list(_ pattern: String, _ folder: Folder) throws(ExtractError) -> [String] {
        try FileList(pattern: pattern, folder: folder.path, source: "labs").files.map(\.path)
    }

    private func error(_ body: () throws -> Void) -> ExtractError? {
        do { try body() } catch { return error as? ExtractError }
        return nil
    }

    private func readAll(_ reader: FileReader, block: Int = 3) throws -> String {
        var bytes: [UInt8] = []
        var memory = [UInt8](repeating: 0, count: block)
        while true {
            let count = try unsafe memory.withUnsafeMutableBytes { unsafe try reader.read(into: $0) }
            if count == 0 { return String(decoding: bytes, as: UTF8.self) }
            bytes += memory[..<count]
        }
    }

    @Test("patterns give the files that match, sorted by bytes")
    func patterns() throws {
        let folder = try Folder()
        for name in ["b.csv", "a.csv", "B.csv", "é.csv", "a10.csv", "a2.csv", ".hidden.csv", "c.txt", "sub/d.csv"] {
            try folder.write(name)
        }
        #expect(try list("*.csv", folder) == ["B.csv", "a.csv", "a10.csv", "a2.csv", "b.csv", "é.csv"])
        #expect(try list("./a?.csv", folder) == ["a2.csv"])
        #expect(try list("*/*.csv", folder) == ["sub/d.csv"])
        #expect(try list("[ab].csv", folder) == ["a.csv", "b.csv"])
        #expect(try list("\(folder.path)/c.*", folder) == ["c.txt"])
        let below = folder.path + "/sub"
        let outside = try FileList(pattern: "../a.csv", folder: below, source: "labs").files[0]
        #expect(outside.path == "../a.csv")
        #expect(outside.byteCount == 1)
        let absolute = try FileList(pattern: "\(folder.path)/a.csv", folder: below, source: "labs").files[0]
        #expect(absolute.path == "\(folder.path)/a.csv")
        #expect(FileList.location(ofPath: absolute.path, folder: below) == absolute.location)
    }

    @Test("a file that is named like a pattern is that file; the folder's name is no pattern")
    func literalNames() throws {
        let folder = try Folder()
        try folder.write("data[1]/a[1].csv")
        try folder.write("data[1]/a1.csv")
        let inner = folder.path + "/data[1]"
        #expect(try FileList(pattern: "a[1].csv", folder: inner, source: "labs").files.map(\.path) == ["a[1].csv"])
        #expect(try FileList(pattern: "a?.csv", folder: inner, source: "labs").files.map(\.path) == ["a1.csv"])
    }

    @Test("no match, a folder and an unreadable file are errors naming the path")
    func mistakes() throws {
        let folder = try Folder()
        try folder.write("sub/a.csv")
        for pattern in ["*.csv", "missing.csv", "sub/a.csv/b.csv", "none/*.csv"] {
            let found = error { _ = try list(pattern, folder) }
            #expect(found?.code == .notFound)
            #expect(found?.subject == pattern)
            #expect(found?.source == "labs")
        }
        for pattern in ["sub", "s*"] {
            let found = error { _ = try list(pattern, folder) }
            #expect(found?.code == .unreadable)
            #expect(found?.subject == "sub")
        }
        try FileManager.default.createSymbolicLink(atPath: folder.path + "/broken.csv", withDestinationPath: "nowhere")
        #expect(error { _ = try list("broken.csv", folder) }?.code == .notFound)
        if geteuid() != 0 {
            unsafe chmod(folder.path + "/sub/a.csv", 0)
            let found = error { _ = try list("sub/a.csv", folder) }
            #expect(found?.code == .notPermitted)
            #expect(found?.subject == "sub/a.csv")
        }
    }

    @Test("a pipe or device is no file")
    func devices() throws {
        let found = error { _ = try FileList(pattern: "/dev/null", folder: "/", source: "labs") }
        #expect(found?.reason == "is not a regular file")
    }

    @Test("a reader gives a range of bytes, and all of them to the observer")
    func ranges() throws {
        let folder = try Folder()
        try folder.write("a.csv", "0123456789")
        let location = folder.path + "/a.csv"
        func reader(_ range: Range<Int64>? = nil, planned: Int64? = nil) throws(ExtractError) -> FileReader {
            try FileReader(
                location: location, path: "a.csv", source: "labs", range: range,
                planned: planned.map { SourceFile(path: "a.csv", byteCount: $0) })
        }
        #expect(try readAll(reader()) == "0123456789")
        #expect(try readAll(reader(3..<8)) == "34567")
        #expect(try readAll(reader(4..<4)) == "")
        #expect(try readAll(reader(0..<10, planned: 10)) == "0123456789")
        var seen: [UInt8] = []
        let observed = try FileReader(location: location, path: "a.csv", source: "labs") { unsafe seen += $0 }
        #expect(try readAll(observed, block: 4) == "0123456789")
        #expect(String(decoding: seen, as: UTF8.self) == "0123456789")
    }

    @Test("a file that changed since it was planned is an error")
    func changed() throws {
        let folder = try Folder()
        try folder.write("a.csv", "0123456789")
        let location = folder.path + "/a.csv"
        for (range, planned) in [(0..<11, nil), (nil, 9), (0..<5, 11)] as [(Range<Int64>?, Int64?)] {
            let found = error {
                _ = try FileReader(
                    location: location, path: "a.csv", source: "labs", range: range,
                    planned: planned.map { SourceFile(path: "a.csv", byteCount: $0) })
            }
            #expect(found?.code == .unreadable)
            #expect(found?.subject == "a.csv")
        }
        let reader = try FileReader(location: location, path: "a.csv", source: "labs")
        unsafe truncate(location, 4)
        #expect(error { _ = try readAll(reader) }?.code == .unreadable)
        try FileManager.default.removeItem(atPath: location)
        #expect(error { _ = try FileReader(location: location, path: "a.csv", source: "labs") }?.code == .notFound)
    }

    /// Ways to change a file of ten bytes, with what else tells of it put back as far as that goes.
    static let waysToChange: [String: @Sendable (String) throws -> Void] = [
        "in place": { location in try write("01234x6789", over: location) },
        "in place, its time put back": { location in
            let stamps = times(of: location)
            try write("01234x6789", over: location)
            let code = unsafe stamps.withUnsafeBufferPointer {
                unsafe utimensat(AT_FDCWD, location, $0.baseAddress!, 0)
            }
            #expect(code == 0 && times(of: location)[1].tv_nsec == stamps[1].tv_nsec)
        },
        "replaced by a rename": { location in
            try Data("0123456789".utf8).write(to: URL(fileURLWithPath: location + ".new"))
            let code = unsafe rename(location + ".new", location)
            #expect(code == 0)
        },
        "truncated": { location in
            let code = unsafe truncate(location, 9)
            #expect(code == 0)
        },
        "truncated and filled again": { location in
            let code = unsafe truncate(location, 0)
            #expect(code == 0)
            try write("0123456789", over: location)
        },
        "appended": { location in try write("0123456789x", over: location) },
    ]

    private static func write(_ text: String, over location: String) throws {
        let file = try FileHandle(forUpdating: URL(fileURLWithPath: location))
        try file.write(contentsOf: Data(text.utf8))
        try file.close()
    }

    private static func times(of location: String) -> [timespec] {
        var status = stat()
        let code = unsafe stat(location, &status)
        #expect(code == 0)
        return [status.st_atim, status.st_mtim]
    }

    @Test(
        "a file that changes before or while its range is read is an error, whatever else is as before",
        arguments: FileReadingTests.waysToChange.keys.sorted())
    func changes(_ name: String) throws {
        let change = try #require(Self.waysToChange[name])
        for isBefore in [true, false] {
            let folder = try Folder()
            try folder.write("a.csv", "0123456789")
            let location = folder.path + "/a.csv"
            let file = try FileList(pattern: "a.csv", folder: folder.path, source: "labs").files[0]
            let planned = SourceFile(path: file.path, byteCount: file.byteCount, state: file.state)
            // Times have the clock's tick, which may be some milliseconds.
            Thread.sleep(forTimeInterval: 0.02)
            func open() throws -> FileReader {
                try FileReader(location: location, path: "a.csv", source: "labs", range: 0..<8, planned: planned)
            }
            let found: ExtractError?
            if isBefore {
                try change(location)
                found = error { _ = try open() }
            } else {
                let reader = try open()
                var memory = [UInt8](repeating: 0, count: 3)
                _ = try unsafe memory.withUnsafeMutableBytes { unsafe try reader.read(into: $0) }
                try change(location)
                found = error { _ = try readAll(reader) }
            }
            #expect(found?.code == .unreadable, "before: \(isBefore)")
            #expect(found?.subject == "a.csv")
            #expect(found?.reason == "the file changed while it was read")
        }
    }

    @Test("numbers of devices, files and times mean nothing in another place; the size does")
    func otherPlaces() throws {
        let folder = try Folder()
        try folder.write("a.csv", "0123456789")
        let location = folder.path + "/a.csv"
        var state = try FileList(pattern: "a.csv", folder: folder.path, source: "labs").files[0].state
        #expect(state.place?.isEmpty == false)
        func open(_ state: FileState, byteCount: Int64 = 10) -> ExtractError? {
            error {
                _ = try FileReader(
                    location: location, path: "a.csv", source: "labs",
                    planned: SourceFile(path: "a.csv", byteCount: byteCount, state: state))
            }
        }
        #expect(open(state) == nil)
        state.inode += 1
        #expect(open(state)?.code == .unreadable)
        state.place = "elsewhere"
        #expect(open(state) == nil)
        #expect(open(state, byteCount: 9)?.code == .unreadable)
        state.place = nil
        #expect(open(state) == nil)
    }
}
