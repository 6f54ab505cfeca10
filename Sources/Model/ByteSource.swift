/// Gives bytes in order. A file is one; so is a decompressor around another source, or an array in a test.
package protocol ByteSource: AnyObject {
    /// Writes at most `memory.count` (at least 1) bytes to its start and returns how many; 0 only at the end.
    func read(into memory: UnsafeMutableRawBufferPointer) throws -> Int
}
