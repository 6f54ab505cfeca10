package import Model

extension Store {
    /// The store that a document's target names.
    ///
    /// - Parameter renderer: makes the files of parts that are kept as tables; without one they are not read.
    package init(_ target: TargetSpec, renderer: (any PartRenderer)? = nil) throws(StoreError) {
        switch target.place {
        case .directory(let folder): self.init(directory: folder)
        case .s3: throw StoreError(.badName, "s3", "stores on S3 are not available in this version")
        case .postgres(let database): self.init(PostgresStorage(database, renderer: renderer))
        }
    }

    /// The store in a database, for those who read: nothing is promised of its tables, nobody is granted anything.
    package init(database url: Secret, renderer: any PartRenderer) {
        self.init(PostgresStorage(PostgresTargetSpec(url: url), renderer: renderer))
    }
}
