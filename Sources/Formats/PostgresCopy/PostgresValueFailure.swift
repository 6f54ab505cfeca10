internal import CKernels
internal import Model

/// What the kernel could not take, as an error for people.
enum PostgresValueFailure {
    /// - Precondition: `result` is a failure, and memory was not what failed.
    static func error(_ result: Int32, input: PostgresCopyDecoder.Input?, row: Int64) -> FormatError {
        let column = input?.name
        let type = input.map { "\($0.mapping.type)" } ?? "its type"
        func special(_ reason: String, _ ways: [String] = ["{cast: text}", "{on_special: null}"]) -> FormatError {
            FormatError(
                .specialValue, column: column, row: row, reason: reason,
                remedy: "use \(ways.joined(separator: " or "))")
        }
        switch Int(result) {
        case KERNEL_PGCOPY_NO_MEMORY:
            preconditionFailure("out of memory")
        case KERNEL_PGCOPY_FIELD_COUNT:
            return FormatError(.brokenStream, row: row, reason: "a row has another number of fields than were selected")
        case KERNEL_PGCOPY_INVALID_UTF8:
            return FormatError(
                .invalidEncoding, column: column, row: row, reason: "the text is not valid UTF-8",
                remedy: "repair the value in the source, or drop the column; databases in SQL_ASCII check nothing")
        case KERNEL_PGCOPY_CELL_TOO_LARGE:
            return FormatError(
                .cellTooLarge, column: column, row: row,
                reason: "the cell holds more than \(Limits.bytesPerCell >> 20) MiB", remedy: "drop the column")
        case KERNEL_PGCOPY_INFINITE:
            return special("an infinite value has no counterpart in \(type)")
        case KERNEL_PGCOPY_YEAR:
            return special("a year before 1 or after 9999 has no counterpart in \(type)")
        case KERNEL_PGCOPY_HOUR_24:
            return special("24:00:00 is no time of day")
        case KERNEL_PGCOPY_NOT_A_NUMBER:
            return special("NaN or an infinity has no counterpart in \(type)")
        case KERNEL_PGCOPY_TOO_PRECISE:
            return special(
                "the value has more fractional digits than \(type) and would be rounded",
                ["a larger scale", "{cast: text}", "{on_special: null}"])
        case KERNEL_PGCOPY_TOO_WIDE:
            return special(
                "the value has more digits than \(type)", ["a larger precision", "{cast: text}", "{on_special: null}"])
        case KERNEL_PGCOPY_DIMENSIONS:
            return special("an array of several dimensions, or one that does not start at 1, is no plain list")
        default:
            return FormatError(
                .brokenStream, column: column, row: row,
                reason: "the bytes are not what binary COPY sends for this type")
        }
    }
}
