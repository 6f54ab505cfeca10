import Model

/// A table and its columns in Croissant.
struct RecordSet {
    let table: TablePlan
    let description: ModuleDescription

    var document: JSON {
        .record([
            "@type": "cr:RecordSet",
            "@id": .text(Names.table(table)),
            "name": .text(table.name),
            "annotation": [rowCount],
            "field": .list(table.columns.map(field)),
        ])
    }

    private var rowCount: JSON {
        .record([
            "@type": "cr:Field",
            "@id": .text(Names.rowCount(table)),
            "name": "row-count",
            "dataType": ["sc:Integer", "http://www.wikidata.org/entity/Q4049983"],
            "value": .integer(description.rows(of: table).published),
        ])
    }

    private func field(_ column: ColumnPlan) -> JSON {
        let shape = typed(column.type, column: column.name, path: [column.name], levels: [[]])
        let measures = Measures.of(column)
        let facts: [JSON.Member] =
            JSON.record([
                "prov:wasDerivedFrom": Croissant.references([Names.origin(of: column, in: table, description)]),
                "dpv:hasPersonalData": column.isProtected
                    ? Croissant.references([Measures.personalData(of: column)]) : nil,
                "dpv:hasTechnicalMeasure": column.isProtected ? Croissant.references(measures) : nil,
                "etl:sourceType": column.sourceType.isEmpty ? nil : .text(column.sourceType),
                "etl:technique": techniques(column),
            ]).members ?? []
        let head: [JSON.Member] =
            JSON.record([
                "@type": "cr:Field",
                "@id": .text(Names.field(table, [column.name])),
                "name": .text(column.name),
                "description": words(column).map { .text($0) },
            ]).members ?? []
        return .object(head + shape + facts)
    }

    /// `dataType`, `source` and what lists and structures need beside.
    ///
    /// - Parameter levels: the members to walk through from the column's value, a new level after each list.
    private func typed(_ type: DataType, column: String, path: [String], levels: [[String]]) -> [JSON.Member] {
        var element = type
        var depth = 0
        while case .list(let inner) = element {
            element = inner
            depth += 1
        }
        var members: [JSON.Member] = [
            .init("dataType", Self.dataType(element)), .init("source", source(column, levels)),
        ]
        if depth > 0 {
            members.append(.init("isArray", true))
            members.append(.init("arrayShape", .text(repeatElement("-1", count: depth).joined(separator: ","))))
        }
        if case .structure(let fields) = element {
            let below = depth > 0 ? levels + [[]] : levels
            members.append(.init("subField", .list(fields.map { subField($0, column, path, below) })))
        }
        return members
    }

    private func subField(_ field: Field, _ column: String, _ path: [String], _ levels: [[String]]) -> JSON {
        let path = path + [field.name]
        var levels = levels
        levels[levels.count - 1].append(field.name)
        let head: [JSON.Member] =
            JSON.record([
                "@type": "cr:Field", "@id": .text(Names.field(table, path)), "name": .text(field.name),
                "description": Self.decimalWords(field.type).map { .text($0) },
            ]).members ?? []
        return .object(head + typed(field.type, column: column, path: path, levels: levels))
    }

    private func source(_ column: String, _ levels: [[String]]) -> JSON {
        let paths = levels.filter { !$0.isEmpty }.map { members in
            JSON.record(["jsonPath": .text(Self.jsonPath(members))])
        }
        return .record([
            "fileSet": .record(["@id": .text(Names.files(table))]),
            "extract": .record(["column": .text(column)]),
            "transform": paths.isEmpty ? nil : paths.count == 1 ? paths[0] : .list(paths),
        ])
    }

    /// `$."name"."inner"`: quoted, so that dots, spaces and brackets in names are part of the name.
    private static func jsonPath(_ members: [String]) -> String {
        members.reduce("$") { path, name in
            let quoted = name.map { $0 == "\"" || $0 == "\\" ? "\\\($0)" : String($0) }.joined()
            return "\(path).\"\(quoted)\""
        }
    }

    private static func dataType(_ type: DataType) -> JSON {
        switch type {
        case .boolean: "sc:Boolean"
        case .int16: ["cr:Int16", "xsd:short"]
        case .int32: ["cr:Int32", "xsd:int"]
        case .int64: ["cr:Int64", "xsd:long"]
        case .float32: ["cr:Float32", "xsd:float"]
        case .float64: ["cr:Float64", "xsd:double"]
        case .decimal: ["sc:Float", "xsd:decimal"]
        case .text: "sc:Text"
        case .binary: ["sc:Text", "xsd:base64Binary"]
        case .date: ["sc:Date", "xsd:date"]
        case .timestamp: ["sc:DateTime", "xsd:dateTime"]
        case .list(let element): dataType(element)
        case .structure: "sc:StructuredValue"
        }
    }

    private func words(_ column: ColumnPlan) -> String? {
        var sentences: [String] = []
        if let decimal = Self.decimalWords(column.type) { sentences.append(decimal) }
        if case .timestamp(isUTC: false) = column.type {
            sentences.append("A reading of a wall clock, without a time zone.")
        }
        if let mapping = column.mapping { sentences.append("Read from \(column.sourceType): \(mapping).") }
        let steps = column.steps.filter { $0.effect != .pass }.map(\.summary)
        if !steps.isEmpty { sentences.append("Steps: \(steps.joined(separator: "; ")).") }
        return sentences.isEmpty ? nil : sentences.joined(separator: " ")
    }

    private static func decimalWords(_ type: DataType) -> String? {
        switch type {
        case .decimal(let precision, let scale): "DECIMAL(\(precision),\(scale)) in the Parquet file."
        case .list(let element): decimalWords(element)
        default: nil
        }
    }

    private func techniques(_ column: ColumnPlan) -> JSON? {
        let steps = column.steps.enumerated().filter { $0.element.effect != .pass && $0.element.effect != .clean }
        guard !steps.isEmpty else { return nil }
        return .list(
            steps.map { index, step in
                .record([
                    "@type": "etl:Technique",
                    "etl:step": .integer(Int64(index)),
                    "etl:verb": .text(step.verb),
                    "etl:method": .text(step.method),
                    "etl:effect": .text(step.effect.rawValue),
                    "etl:mapping": .text(step.mapping.rawValue),
                    "etl:keyName": step.key.map { .text($0) },
                    "etl:keyCheckValue": checkValue(step).map { .text($0) },
                    "etl:scope": step.scope.map { .text($0) },
                    "etl:parameters": .text(step.summary),
                    "etl:isWeak": step.isWeak ? true : nil,
                ])
            })
    }

    private func checkValue(_ step: StepPlan) -> String? {
        description.plan.keys.first { $0.name == step.key }?.checkValue
    }
}
