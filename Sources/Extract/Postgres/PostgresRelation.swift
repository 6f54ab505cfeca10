package import Model

/// Where rows of a table come from: a relation's name, or a query of the document.
package enum PostgresOrigin: Sendable, Codable, Hashable {
    case relation(schema: String, name: String)
    case query(String)

    /// For people and errors; a query is not quoted, it may hold literals.
    package var name: String {
        switch self {
        case .relation(let schema, let name): "\(schema).\(name)"
        case .query: "query"
        }
    }
}

/// What a server says of a relation or query: all that a plan needs.
package struct PostgresRelation: Sendable, Codable, Equatable {
    package enum Kind: String, Sendable, Codable {
        case table, partitioned, view, materializedView, foreign, query
    }

    /// A relation that holds rows itself: the table, a partition, a child by inheritance.
    package struct Leaf: Sendable, Codable, Equatable {
        package var schema: String
        package var name: String
        package var oid: UInt32
        package var isForeign: Bool
        /// Its access method is `heap`: block ranges mean something.
        package var isHeap: Bool
        /// The role may select all its columns.
        package var isReadable: Bool
        /// `LOCK TABLE` takes it: a table that is readable.
        package var isLockable: Bool
        /// Blocks of the heap by its size on disk.
        package var blocks: UInt32
        /// Heap, TOAST and maps.
        package var byteCount: Int64
        /// `reltuples`, or a guess by size where the table was never analysed.
        package var estimatedRows: Int64

        package var qualifiedName: String { PostgresName.qualified(schema, name) }
    }

    package var origin: PostgresOrigin
    package var kind: Kind
    /// 0 for a query.
    package var oid: UInt32
    /// In the order of their numbers; dropped ones left out, generated ones included.
    package var columns: [SourceColumn]
    /// In the order of their qualified names. Empty for views and queries.
    package var leaves: [Leaf]
    /// A canonical text of everything about the columns that a mapping depends on; the caller hashes it.
    package var fingerprintText: String

    package var estimatedRows: Int64 { leaves.reduce(0) { $0 + $1.estimatedRows } }
    package var estimatedBytes: Int64 { leaves.reduce(0) { $0 + $1.byteCount } }
}
