internal import Model

/// The columns of a part as the registry keeps them: what the table's own types cannot say.
enum PartColumns {
    static func text(_ columns: [OutputColumn]) -> String {
        JSON.list(
            columns.map {
                .record([
                    "name": .text($0.name), "type": .text($0.type.description), "protected": .boolean($0.isProtected),
                ])
            }
        ).text()
    }

    /// nil for a text that is no such list.
    static func columns(_ text: String) -> [OutputColumn]? {
        guard case .list(let items)? = try? JSON.parse(Array(text.utf8)), !items.isEmpty else { return nil }
        var columns: [OutputColumn] = []
        for item in items {
            guard let name = item["name"]?.text, let type = item["type"]?.text.flatMap(type(named:)),
                case .boolean(let isProtected)? = item["protected"]
            else { return nil }
            columns.append(OutputColumn(name: name, type: type, isProtected: isProtected))
        }
        return columns
    }

    /// As `DataType.description` writes scalars and lists of them.
    private static func type(named name: String) -> DataType? {
        guard name.hasPrefix("list<"), name.hasSuffix(">") else { return DataType(name: name) }
        return DataType(name: String(name.dropFirst(5).dropLast())).map { .list($0) }
    }
}
