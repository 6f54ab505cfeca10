/// Bytes that can be read from any place: a file of a store, an array in a test. Used by one thread.
package protocol ByteRange: AnyObject {
    var byteCount: Int64 { get }
    /// Exactly `count` bytes from `offset` on; fewer only where the bytes end.
    func read(offset: Int64, count: Int) throws -> [UInt8]
}
