import CSystem

#if canImport(Glibc)
import Glibc
#elseif canImport(Musl)
import Musl
#endif

/// What is in this process's memory: rows, keys, passwords, tokens.
enum Memory {
    /// None of it is written anywhere when the process dies, and no other process of the same user may look at it.
    ///
    /// Of every command: each of them reads a document with its passwords, a key or a token. A limit of zero is for dumps
    /// into files; dumps into a program (`core_pattern` with `|`) ask for the other.
    static func keepToItself() {
        system_tell_of_faults()
        var none = rlimit(rlim_cur: 0, rlim_max: 0)
        unsafe setrlimit(__rlimit_resource_t(RLIMIT_CORE.rawValue), &none)
        system_forbid_dumps()
    }
}
