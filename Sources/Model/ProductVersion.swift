/// The product's own version, in one place.
package enum ProductVersion {
    package static let text = "0.1.0"
    package static let name = "etl-express"
    /// Parquet's `created_by`: readers parse this form and distrust statistics without it.
    package static let parquetCreator = "etl-express version 0.1.0 (build 0)"
}
