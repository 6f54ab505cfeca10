/// Bytes that can be read from anywhere: a published part in a folder or in an object store, or an array in a test.
package protocol ByteRange: AnyObject {
    /// How many bytes there are; does not change while somebody reads.
    var byteCount: Int64 { get }

    /// Exactly the `count` bytes from `offset` on, or throws. Askers stay within `0 ..< byteCount`.
    ///
    /// A call may be a request over the network: askers take a mebibyte or so at a time where they can.
    func reading(offset: Int64, count: Int) throws -> [UInt8]
}
