internal import Model

/// What reading a Parquet file can fail with. Names the column, never a value; the file is the caller's to name.
extension FormatError {
    /// The bytes contradict themselves: they were cut off, overwritten, or are no Parquet file.
    static func brokenParquet(_ reason: String, column: String? = nil) -> FormatError {
        FormatError(
            .brokenStream, column: column, reason: "the Parquet file is broken: \(reason)",
            remedy: "compare the file with the digest of its version (etlx modules STORE verify)")
    }

    /// A sound file of another writer, or of another version of ours.
    static func unsupportedParquet(_ found: String, supported: String, column: String? = nil) -> FormatError {
        FormatError(
            .unsupportedForm, column: column, reason: "the Parquet file has \(found); read are \(supported)",
            remedy: "read it with another program (pyarrow, DuckDB, polars)")
    }
}
