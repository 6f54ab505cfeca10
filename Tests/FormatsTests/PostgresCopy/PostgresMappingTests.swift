import Formats
import Model
import Testing

@Suite("PostgreSQL types")
struct PostgresMappingTests {
    private func type(_ type: PostgresType, as wish: DataType? = nil) -> String {
        switch PostgresMapping.map(type, as: ReadAs(type: wish)) {
        case .success(let mapping):
            "\(mapping.type) by \(mapping.expression(column: "c"))" + (mapping.note.map { " (\($0))" } ?? "")
        case .failure(let refusal): "refused; " + refusal.waysOut.joined(separator: ", ")
        }
    }

    @Test("scalars map to what holds all their values, or to PostgreSQL's own text, or are refused")
    func scalars() {
        let own = "(PostgreSQL's own text)"
        let wanted: [(String, String)] = [
            ("bool", "boolean by \"c\""), ("int2", "int16 by \"c\""), ("int4", "int32 by \"c\""),
            ("int8", "int64 by \"c\""),
            ("oid", "int64 by \"c\""), ("float4", "float32 by \"c\""), ("float8", "float64 by \"c\""),
            ("text", "text by \"c\""),
            ("varchar", "text by \"c\""), ("bpchar", "text by \"c\""), ("name", "text by \"c\""),
            ("json", "text by \"c\""),
            ("jsonb", "text by \"c\""), ("uuid", "text by \"c\""), ("bytea", "binary by \"c\""),
            ("date", "date by \"c\""),
            ("timestamp", "timestamp by \"c\""), ("timestamptz", "timestamptz by \"c\""),
            ("time", "text by \"c\" \(own)"),
            ("char", "text by (\"c\")::pg_catalog.text"),
            ("xml", "text by pg_catalog.textin(pg_catalog.xml_out(\"c\"))"),
            ("inet", "text by pg_catalog.textin(pg_catalog.inet_out(\"c\")) \(own)"),
            ("interval", "text by (\"c\")::pg_catalog.text \(own)"),
            ("timetz", "text by (\"c\")::pg_catalog.text \(own)"),
            ("cidr", "text by (\"c\")::pg_catalog.text \(own)"), ("varbit", "text by (\"c\")::pg_catalog.text \(own)"),
            ("tsvector", "text by (\"c\")::pg_catalog.text \(own)"),
            ("money", "refused; {cast: text}"), ("point", "refused; {cast: text}"), ("record", "refused; {cast: text}"),
            ("numeric", "refused; {cast: decimal(38,10)}, {cast: text}, {cast: float64}"),
        ]
        for (base, text) in wanted { #expect(type(builtin(base)) == text, "\(base)") }
    }

    @Test("numerics keep precision and scale, whatever their sign and order")
    func numerics() {
        #expect(type(numericType(10, 2)) == "decimal(10,2) by \"c\"")
        #expect(type(numericType(38, 38)) == "decimal(38,38) by \"c\"")
        #expect(type(numericType(3, -6)) == "decimal(9,0) by \"c\"")
        #expect(type(numericType(3, 5)) == "decimal(5,5) by \"c\"")
        #expect(type(numericType(39, 2)).hasPrefix("refused"))
        #expect(type(numericType(30, -10)).hasPrefix("refused"))
        #expect(type(numericType(2, 40)).hasPrefix("refused"))
    }

    @Test("casts at the source are exact ones, text for every type, and float64 for numerics")
    func casts() {
        #expect(type(builtin("numeric"), as: .decimal(precision: 38, scale: 10)) == "decimal(38,10) by \"c\"")
        #expect(type(numericType(10, 2), as: .decimal(precision: 5, scale: 1)) == "decimal(5,1) by \"c\"")
        #expect(type(builtin("numeric"), as: .float64) == "float64 by (\"c\")::pg_catalog.float8 (nearest float64)")
        #expect(type(builtin("int2"), as: .int64) == "int64 by (\"c\")::pg_catalog.int8")
        #expect(type(builtin("int4"), as: .int32) == "int32 by \"c\"")
        #expect(type(builtin("point"), as: .text) == "text by (\"c\")::pg_catalog.text (PostgreSQL's own text)")
        #expect(type(builtin("bpchar"), as: .text) == "text by \"c\" (PostgreSQL's own text)")
        #expect(type(builtin("text"), as: .int32) == "refused; {cast: text}")
        #expect(type(builtin("int8"), as: .int32) == "refused; {cast: decimal(P,S)}, {cast: text}")
    }

    @Test("extension types go by their extension, others' types of the same name do not")
    func extensions() {
        func extended(_ base: String, _ from: String?, oid: UInt32 = 17_000) -> PostgresType {
            .scalar(oid: oid, base: base, typmod: -1, extensionName: from, name: base)
        }
        #expect(type(extended("citext", "citext")) == "text by \"c\"")
        #expect(type(extended("hstore", "hstore")).hasPrefix("text by (\"c\")::pg_catalog.text"))
        #expect(type(extended("geometry", "postgis")) == "refused; {cast: text}")
        // Somebody's own type named int4 has its own binary form.
        #expect(type(extended("int4", nil)) == "refused; {cast: text}")
    }

    @Test("nested types map member by member")
    func nested() {
        func array(_ element: PostgresType) -> PostgresType { .array(oid: 1, element: element, name: "array") }
        func row(_ members: [(String, PostgresType)]) -> PostgresType {
            .composite(oid: 20_000, fields: members.map { PostgresField(name: $0.0, type: $0.1) }, name: "row")
        }
        #expect(type(array(builtin("int4"))) == "list<int32> by \"c\"")
        #expect(
            type(array(builtin("interval")))
                == "list<text> by (\"c\")::pg_catalog.text[] (elements: PostgreSQL's own text)")
        #expect(type(array(builtin("inet"))).hasPrefix("list<text> by (\"c\")::pg_catalog.text[]"))
        #expect(type(array(builtin("numeric"))) == "refused; {cast: text}")
        #expect(
            type(row([("a", builtin("int4")), ("b", array(builtin("text")))]))
                == "struct<a: int32, b: list<text>> by \"c\"")
        #expect(type(array(row([("a", builtin("int4"))]))) == "list<struct<a: int32>> by \"c\"")
        #expect(
            type(row([("a\"", builtin("interval")), ("b", builtin("int4"))])).hasPrefix(
                "struct<a\": text, b: int32> by CASE WHEN \"c\" IS NOT DISTINCT FROM NULL THEN NULL ELSE ROW(((\"c\").\"a\"\"\")::pg_catalog.text, (\"c\").\"b\") END"
            ))
        #expect(type(array(row([("a", builtin("interval"))]))) == "refused; {cast: text}")
        #expect(type(row([("a", builtin("point"))])) == "refused; {cast: text}")
        #expect(type(.domain(oid: 20_000, base: builtin("int4"), name: "year")) == "int32 by \"c\"")
        #expect(type(.enumeration(oid: 20_000, labels: ["a"], name: "mood")) == "text by \"c\"")
        #expect(
            type(.range(oid: 3904, isMulti: false, name: "int4range")).hasPrefix("text by (\"c\")::pg_catalog.text"))
    }
}
