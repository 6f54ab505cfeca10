package import Model

/// Bytes that are not what they should be, or a value that the published type cannot hold.
/// Names column and row ordinal, never the value.
package struct FormatError: Error, Sendable, Equatable {
    package enum Code: String, Sendable {
        /// A record of a delimited file that breaks its dialect.
        case malformedRecord
        /// A field that is not of its column's type.
        case wrongType
        /// A value without counterpart in the published type: infinity, NaN in a decimal, `24:00:00`.
        case specialValue
        /// Text that is not valid in its encoding.
        case invalidEncoding
        case cellTooLarge
        /// The stream breaks its own format or ends too early.
        case brokenStream
        /// Sound bytes in a form that is not read here: an encoding, a codec, a type.
        case unsupportedForm
        /// Our sink refused the bytes.
        case sinkFailed
    }

    package let code: Code
    package let column: String?
    /// Ordinal of the row within its shard, from zero; for files the record number within the file, from one.
    package let row: Int64?
    package let file: String?
    /// What was found and what would be right, in fixed words.
    package let reason: String
    /// What the user can do; nil when there is nothing.
    package let remedy: String?

    package init(
        _ code: Code, column: String? = nil, row: Int64? = nil, file: String? = nil, reason: String,
        remedy: String? = nil
    ) {
        self.code = code
        self.column = column
        self.row = row
        self.file = file
        self.reason = reason
        self.remedy = remedy
    }

    package var disposition: Disposition {
        switch code {
        case .malformedRecord, .wrongType, .specialValue, .invalidEncoding, .cellTooLarge, .unsupportedForm: .failRun
        case .brokenStream: .retry
        case .sinkFailed: .retryElsewhere
        }
    }
}
