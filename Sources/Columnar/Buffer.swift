#if canImport(Glibc)
import Glibc
#elseif canImport(Musl)
import Musl
#endif

/// Frozen bytes that any number of columns share. Memory comes from `malloc` and goes with the last reference.
///
/// `@unchecked Sendable`: nobody writes through `base` once a buffer is made; builders own their memory alone until then.
@safe package final class Buffer: @unchecked Sendable {
    package let base: UnsafeMutableRawPointer
    package let byteCount: Int

    /// Takes over memory that `malloc` gave; `byteCount` bytes of it are written.
    package init(adopting base: UnsafeMutableRawPointer, byteCount: Int) {
        unsafe self.base = unsafe base
        self.byteCount = byteCount
    }

    /// Zeroed bytes; `fill` may write them before anyone else sees them.
    package convenience init(byteCount: Int, fill: (UnsafeMutableRawBufferPointer) -> Void) {
        let memory = unsafe allocate(max(byteCount, 1))
        unsafe memory.initializeMemory(as: UInt8.self, repeating: 0, count: max(byteCount, 1))
        unsafe fill(UnsafeMutableRawBufferPointer(start: memory, count: byteCount))
        unsafe self.init(adopting: memory, byteCount: byteCount)
    }

    package convenience init<Element: BitwiseCopyable>(copying elements: [Element]) {
        unsafe self.init(byteCount: elements.count * MemoryLayout<Element>.stride) { target in
            unsafe elements.withUnsafeBytes { source in unsafe target.copyMemory(from: source) }
        }
    }

    /// Zeroed bytes.
    package convenience init(byteCount: Int) {
        unsafe self.init(byteCount: byteCount) { _ in }
    }

    deinit { unsafe free(base) }

    /// All bytes, for kernels and writers.
    package var bytes: UnsafeRawBufferPointer { unsafe UnsafeRawBufferPointer(start: base, count: byteCount) }

    /// The bytes as elements of a fixed width.
    package func elements<Element: BitwiseCopyable>(_: Element.Type) -> UnsafeBufferPointer<Element> {
        unsafe bytes.assumingMemoryBound(to: Element.self)
    }
}

/// Memory from `malloc`, or the end of the process: a worker cannot go on without it, and its shard is granted again.
package func allocate(_ byteCount: Int) -> UnsafeMutableRawPointer {
    guard let memory = unsafe malloc(max(byteCount, 1)) else { preconditionFailure("out of memory") }
    return unsafe memory
}

package func reallocate(_ memory: UnsafeMutableRawPointer?, _ byteCount: Int) -> UnsafeMutableRawPointer {
    guard let memory = unsafe realloc(memory, max(byteCount, 1)) else { preconditionFailure("out of memory") }
    return unsafe memory
}
