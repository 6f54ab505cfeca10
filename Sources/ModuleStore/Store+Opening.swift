package import Model

extension Store {
    /// The store that a document's target names.
    package init(_ target: TargetSpec) throws(StoreError) {
        switch target.place {
        case .directory(let folder): self.init(directory: folder)
        case .s3: throw StoreError(.badName, "s3", "stores on S3 are not available in this version")
        case .postgres: throw StoreError(.badName, "postgres", "stores in PostgreSQL are not available in this version")
        }
    }
}
