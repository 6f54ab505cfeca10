package import Model

/// Files by their paths, wherever they lie: what publishing, checking and collecting need of a place, and no more.
///
/// Paths are relative to the store's root, with `/`, as `ModuleLayout` makes them. A place answers for three things:
/// what `write`, `accept` and `create` have returned for survives a crash of any machine after `settle`; `create` lets
/// exactly one of several racers win and never shows a part of the bytes; errors name paths, never contents.
package protocol Storage: Sendable {
    /// The root as people and lineage name it: a folder, `s3://bucket/prefix`, `postgresql://host/database`. No secrets.
    var location: String { get }
    /// Where the files of this machine's runs may lie beside the modules; nil where the store is not a folder.
    var localFolder: String? { get }

    /// Where readers find a version: a folder, or what the place has for it. For people, not for `read`.
    func place(module: String, attempt: String) -> String
    /// The same for one of its tables, as the commit record names it.
    func place(module: String, attempt: String, table: String) -> String

    // Reading. What is not there is no error: an empty list, nil.

    /// Names of files and folders directly below a folder, sorted by bytes.
    func names(_ folder: String) throws(StoreError) -> [String]
    /// Every file below a folder, relative to it, sorted by bytes.
    func files(below folder: String) throws(StoreError) -> [String]
    /// What an attempt has outside its run's files, sorted by bytes: staged parts, unfinished uploads, tables that no file
    /// of the run is made of. Names for people, relative to the store's root where the place has paths.
    func leftovers(module: String, attempt: String) throws(StoreError) -> [String]
    func byteCount(_ path: String) throws(StoreError) -> Int64?
    /// - Throws: `.notFound`; `.damaged` when there are more bytes than `limit`.
    func read(_ path: String, limit: Int) throws(StoreError) -> [UInt8]
    /// - Throws: `.notFound`.
    func open(_ path: String) throws(StoreError) -> any ByteRange

    // Writing

    /// Makes whatever a new attempt needs before its first part.
    func begin(module: String, attempt: String) throws(StoreError)
    /// A part that nobody sees before it is accepted.
    func stage(module: String, attempt: String, table: String, shard: Int, epoch: Int) throws(StoreError)
        -> any StagedPart
    /// Gives staged parts their final places. Harmless when repeated, by this or another process.
    ///
    /// - Throws: `.damaged` for a part that is not what its receipt says.
    func accept(_ parts: [AcceptedPart], module: String, attempt: String) throws(StoreError)
    /// Says in the place's own way what the accepted tables and their columns are; where it has none, nothing is done.
    func annotate(_ tables: [TableNote], module: String, attempt: String) throws(StoreError)
    /// A file that describes an attempt's data. The same bytes may be there already.
    ///
    /// - Parameter replaces: other bytes may stand there, of a race that this publisher lost, and nobody else publishes
    ///   the attempt. Without it a publisher that slept cannot change what another has committed meanwhile.
    /// - Throws: `.conflict` where other bytes stand and are not to be replaced, or replacing them is not safe: a request
    ///   of an earlier try may still be on its way, and would undo it after the commit. The attempt cannot become another
    ///   version then.
    func describe(_ path: String, _ bytes: [UInt8], replaces: Bool) throws(StoreError)
    /// A whole file, in place of one that may be there.
    func write(_ path: String, _ bytes: [UInt8]) throws(StoreError)
    /// A whole file under a name that is free, or nothing at all.
    ///
    /// - Parameters:
    ///   - attempt: for names of temporary files; racers have different ones.
    ///   - isInTime: asked right before each request that may create the name, once the request has its date, so that a
    ///     machine that sleeps between the look and the sending sends what the server refuses. False ends it.
    ///   - reach: told of the steps between which a crash makes a difference.
    /// - Throws: `.unknown` when the place cannot be brought to say what happened, or that it lasts; the same call is to be
    ///   repeated then, and nothing else is to be done. After any other error the bytes are not there and do not come.
    ///   `.attemptEnded` when `isInTime` said no before anything was sent. What `reach` throws.
    func create(
        _ path: String, _ bytes: [UInt8], attempt: String, isInTime: () -> Bool, reach: (PublishStep) throws -> Void
    ) throws -> Creation
    /// Makes folders as durable as their files.
    func settle(_ folders: [String]) throws(StoreError)
    /// Guards committed files against accidents, where the place knows how to.
    func protect(_ folder: String) throws(StoreError)
    /// What is already gone is no error.
    func remove(_ path: String) throws(StoreError)
    /// A folder with all that is in it, protected or not, finished or not.
    func removeTree(_ folder: String) throws(StoreError)
}

extension Storage {
    /// The same without a deadline.
    package func create(_ path: String, _ bytes: [UInt8], attempt: String) throws -> Creation {
        try create(path, bytes, attempt: attempt, isInTime: { true }, reach: { _ in })
    }

    package func leftovers(module: String, attempt: String) throws(StoreError) -> [String] {
        let staging = "\(module)/\(ModuleLayout.staging(attempt))"
        return try files(below: staging).map { "\(staging)/\($0)" }
    }

    package func annotate(_ tables: [TableNote], module: String, attempt: String) throws(StoreError) {}
}

/// What people should know of a published table and its columns. No secret, no cell value.
package struct TableNote: Sendable, Equatable {
    package let table: String
    package let text: String
    package let columns: [(name: String, text: String)]

    package init(table: String, text: String, columns: [(name: String, text: String)]) {
        self.table = table
        self.text = text
        self.columns = columns
    }

    package static func == (a: TableNote, b: TableNote) -> Bool {
        a.table == b.table && a.text == b.text && a.columns.elementsEqual(b.columns, by: ==)
    }
}

extension Storage {
    package func place(module: String, attempt: String) -> String {
        "\(location)/\(module)/\(ModuleLayout.run(attempt))"
    }
    package func place(module: String, attempt: String, table: String) -> String {
        "\(place(module: module, attempt: attempt))/data/\(table)"
    }
}

package enum Creation: Sendable {
    case created
    /// The name was taken. Its bytes are the same: an earlier try of ours, whose answer was lost.
    case wasThere
    /// The name was taken by other bytes.
    case taken
}

/// A part being written: finished, or it leaves no trace. Used by one thread.
package protocol StagedPart: ByteSink {
    /// The part's bytes are safe when this returns; no reader sees them yet.
    func finish() throws(StoreError) -> FinishedPart
    /// Gives the part up. Harmless after `finish` and when repeated.
    func abandon()
}

package struct FinishedPart: Sendable, Equatable {
    /// Relative to the module's folder, as `ModuleLayout.stagedPart` names it.
    package let stagedPath: String
    package let byteCount: Int64
    /// 64 lower-case hexadecimal digits.
    package let sha256: String
    /// What the place needs to know to accept the part; nil on disk.
    package let handle: String?

    package init(stagedPath: String, byteCount: Int64, sha256: String, handle: String? = nil) {
        self.stagedPath = stagedPath
        self.byteCount = byteCount
        self.sha256 = sha256
        self.handle = handle
    }
}

/// A part that the coordinator accepted, on its way to its final place.
package struct AcceptedPart: Sendable, Equatable {
    package let table: String
    package let shard: Int
    /// Relative to the module's folder.
    package let stagedPath: String
    /// The folder of the attempt's files, relative to the store's root; all parts share it.
    package let run: String
    package let byteCount: Int64
    package let sha256: String
    package let rows: Int64
    package let handle: String?

    /// Its place, relative to the store's root. Of a hundred thousand parts these would be megabytes, so none is kept.
    package var path: String { "\(run)/\(ModuleLayout.part(table: table, shard: shard))" }
}
