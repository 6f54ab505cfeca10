/// Takes bytes in order. A staged part is one; so is a buffer in a test.
package protocol ByteSink: AnyObject {
    /// Appends all of `bytes`, or throws and is then of no further use.
    func write(_ bytes: UnsafeRawBufferPointer) throws
}
