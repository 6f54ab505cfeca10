extension Int64 {
    /// The sum, or the largest number where it has none. For what is shown alone: sums that decide are of bounded numbers.
    package func saturatingSum(_ other: Int64) -> Int64 {
        let (sum, isOver) = addingReportingOverflow(other)
        return isOver ? (other > 0 ? .max : .min) : sum
    }
}
