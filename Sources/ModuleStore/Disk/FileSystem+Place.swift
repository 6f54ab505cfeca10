import Glibc

extension FileSystem {
    private typealias RenameWithFlags =
        @convention(c) (
            Int32, UnsafePointer<CChar>?, Int32, UnsafePointer<CChar>?, UInt32
        ) -> Int32

    /// `RENAME_NOREPLACE` of linux/fs.h.
    private static let doNotReplace: UInt32 = 1

    /// renameat2(2). The C headers declare it for `_GNU_SOURCE` alone, which Swift's view of them lacks, so it is looked
    /// up by name; its signature is part of the kernel's and the library's stable interface.
    private static let renameWithFlags: RenameWithFlags? = {
        guard let program = unsafe dlopen(nil, RTLD_NOW), let symbol = unsafe dlsym(program, "renameat2") else {
            return nil
        }
        return unsafe unsafeBitCast(symbol, to: RenameWithFlags.self)
    }()

    enum Placed { case done, alreadyExists }

    /// Gives `path` the further (or, without links, the only) name `target`, unless that exists.
    ///
    /// Atomic: a reader sees nothing or the whole file. Of several racers exactly one gets `.done`.
    func place(_ path: String, at target: String, by placing: DiskStorage.Placing) throws(StoreError) -> Placed {
        if placing == .linkOrRename {
            if unsafe link(absolute(path), absolute(target)) == 0 { return .done }
            let number = errno
            // Over NFS the answer to a link that was made may be lost and the repetition says "exists":
            // the second name of our own file is the proof.
            if let own = try status(path), let there = try status(target), own.inode == there.inode,
                own.linkCount >= 2
            {
                return .done
            }
            if number == EEXIST { return .alreadyExists }
            let hasNoLinks = [EPERM, EOPNOTSUPP, ENOSYS, EMLINK].contains(number)
            guard hasNoLinks else { throw .system(number, target, "link to it") }
        }
        guard let rename = unsafe Self.renameWithFlags else {
            throw StoreError(.noExclusiveCreate, target, "this system cannot rename without replacing; \(Self.advice)")
        }
        let result = unsafe absolute(path).withCString { source in
            unsafe absolute(target).withCString { destination in
                unsafe rename(AT_FDCWD, source, AT_FDCWD, destination, Self.doNotReplace)
            }
        }
        if result == 0 { return .done }
        if errno == EEXIST { return .alreadyExists }
        guard [EINVAL, ENOSYS, EOPNOTSUPP].contains(errno) else { throw .system(errno, target, "rename to it") }
        throw StoreError(
            .noExclusiveCreate, target, "this file system cannot create a name only if it is free; \(Self.advice)")
    }

    private static let advice = "put the store on a file system with hard links"
}
