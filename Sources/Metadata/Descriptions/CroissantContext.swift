import Model

/// The `@context` of a version: that of Croissant 1.1 with `https` for schema.org, which readers ask for, the terms that
/// mlcroissant warns about when they are missing, and the prefixes of the other vocabularies.
enum CroissantContext {
    static let conformsTo = ["http://mlcommons.org/croissant/1.1", "http://mlcommons.org/croissant/RAI/1.0"]

    /// What no vocabulary of others says, under our own prefix.
    static let ownTerms = "https://example.org/ns/etl#"

    static let document: JSON = .object(
        [JSON.Member("@language", "en"), JSON.Member("@vocab", "https://schema.org/")]
            + members(core) + croissantTerms + members(prefixes))

    private static let core: [(String, String)] = [
        ("sc", "https://schema.org/"), ("cr", "http://mlcommons.org/croissant/"),
        ("rai", "http://mlcommons.org/croissant/RAI/"), ("dct", "http://purl.org/dc/terms/"),
    ]

    private static let prefixes: [(String, String)] = [
        ("xsd", "http://www.w3.org/2001/XMLSchema#"), ("rdfs", "http://www.w3.org/2000/01/rdf-schema#"),
        ("prov", "http://www.w3.org/ns/prov#"), ("dcat", "http://www.w3.org/ns/dcat#"),
        ("dpv", "https://w3id.org/dpv#"), ("pd", "https://w3id.org/dpv/pd#"),
        ("eu-gdpr", "https://w3id.org/dpv/legal/eu/gdpr#"), ("odrl", "http://www.w3.org/ns/odrl/2/"),
        ("etl", ownTerms),
    ]

    private static let croissantTerms: [JSON.Member] = [
        "annotation", "arrayShape", "citeAs", "column", "conformsTo", "containedIn", "data", "dataType",
        "equivalentProperty", "examples", "excludes", "extract", "field", "fileProperty", "fileObject", "fileSet",
        "format", "includes", "isArray", "isLiveDataset", "jsonPath", "key", "md5", "parentField", "path", "recordSet",
        "references", "regex", "readLines", "repeated", "replace", "samplingRate", "sdVersion", "separator", "source",
        "subField", "transform", "unArchive", "value",
    ].map { term in
        switch term {
        case "conformsTo": JSON.Member(term, "dct:conformsTo")
        case "data", "examples": JSON.Member(term, .record(["@id": .text("cr:\(term)"), "@type": "@json"]))
        case "dataType": JSON.Member(term, .record(["@id": "cr:dataType", "@type": "@vocab"]))
        default: JSON.Member(term, .text("cr:\(term)"))
        }
    }

    private static func members(_ pairs: [(String, String)]) -> [JSON.Member] {
        pairs.map { JSON.Member($0.0, .text($0.1)) }
    }
}
