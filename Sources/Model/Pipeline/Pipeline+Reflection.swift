/// How a pipeline prints: `dump`, `print` and a debugger show what a document says, never what a placeholder in it
/// stood for. Texts that may hold replaced parts are left out here; those who need them name the property.
extension Node.Scalar: CustomStringConvertible, CustomReflectable {
    package var description: String { written }
    package var customMirror: Mirror {
        Mirror(self, children: ["kind": kind, "written": written], displayStyle: .struct)
    }
}

extension Secret: CustomReflectable {
    package var customMirror: Mirror { Mirror(self, children: ["label": description], displayStyle: .struct) }
}

extension KeySpec: CustomStringConvertible, CustomReflectable {
    package var description: String { "key \(name)" }
    package var customMirror: Mirror {
        Mirror(self, children: ["name": name, "position": position], displayStyle: .struct)
    }
}

extension DelimitedSpec: CustomStringConvertible, CustomReflectable {
    package var description: String { "delimited files" }
    package var customMirror: Mirror {
        Mirror(
            self,
            children: [
                "delimiter": delimiter, "quote": quote as Any, "escape": escape as Any, "hasHeader": hasHeader,
                "encoding": encoding as Any, "compression": compression as Any, "comment": comment as Any,
                "skippedLines": skippedLines, "types": types, "names": names, "onMalformed": onMalformed,
            ], displayStyle: .struct)
    }
}

extension TableSpec.Origin: CustomStringConvertible, CustomReflectable {
    package var description: String {
        switch self {
        case .relation: "relation"
        case .query: "query"
        case .files: "files"
        }
    }
    package var customMirror: Mirror { Mirror(self, children: ["kind": description], displayStyle: .struct) }
}

extension TableSpec: CustomStringConvertible, CustomReflectable {
    package var description: String { "table \(name)" }
    package var customMirror: Mirror {
        Mirror(
            self,
            children: [
                "name": name, "source": source, "origin": origin, "hasFilter": filter != nil, "columns": columns,
            ], displayStyle: .struct)
    }
}

extension TargetSpec: CustomStringConvertible, CustomReflectable {
    package var description: String { "target" }
    package var customMirror: Mirror {
        Mirror(self, children: ["position": position, "codec": codec], displayStyle: .struct)
    }
}
