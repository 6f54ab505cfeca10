/// A column of a published part.
package struct OutputColumn: Hashable, Sendable, Codable {
    package let name: String
    package let type: DataType
    /// The rule replaces, coarsens or redacts: no statistic of its values is written.
    package let isProtected: Bool

    package init(name: String, type: DataType, isProtected: Bool) {
        self.name = name
        self.type = type
        self.isProtected = isProtected
    }
}
