internal import Foundation

/// Called by libFuzzer for each input, on one thread. ETL_FUZZ_READER names the reader.
@_cdecl("LLVMFuzzerTestOneInput")
public func fuzzOneInput(_ bytes: UnsafePointer<UInt8>, _ count: Int) -> CInt {
    unsafe chosen.read(Array(UnsafeBufferPointer(start: bytes, count: count)))
    return 0
}

private let chosen: FuzzedReader = {
    let name = ProcessInfo.processInfo.environment["ETL_FUZZ_READER"] ?? ""
    guard let reader = FuzzedReader(rawValue: name) else {
        preconditionFailure("ETL_FUZZ_READER names no reader: \(name)")
    }
    return reader
}()
