/// Text that must not be printed: a source's URL with its password. It prints as its label and is not `Codable`.
package struct Secret: Sendable, CustomStringConvertible, CustomDebugStringConvertible {
    private let text: String
    /// As the document has it (`${env:HOSPITAL_URL}`), safe to print only if it was replaced; else a fixed word.
    package let description: String

    package init(_ text: String, written: String) {
        self.text = text
        self.description = written == text ? "(secret)" : written
    }

    /// The document has a placeholder and nothing else in its place.
    package var isPlaceholder: Bool { description != "(secret)" }

    package var debugDescription: String { description }

    /// The text itself, for the one call that needs it.
    package func reveal() -> String { text }
}
