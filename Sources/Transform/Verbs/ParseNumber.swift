internal import Columnar
internal import Model

extension Verb {
    static let parseNumber = Verb(
        "parse_number", .clean, .clean, .lossy, accepts: [.text], elementwise: true,
        result: "float64, or the type that `to` names", form: .optional(nil),
        parameters: [
            .init("decimal", default: ".", "the character before the fraction"),
            .init("thousands", default: "none", "the character between groups of three digits"),
            .init("to", default: "float64", "an integer, float or decimal type"),
            .onFailure,
        ]
    ) { ParseNumberStep.read(&$0) }
}

/// Text in a country's way of writing numbers becomes a number.
///
/// Digits, at most one sign in front, groups of exactly three digits where a thousands mark is used, white space around.
/// - Nulls: stay null; the empty text fails.
/// - Throws: `doesNotParse`, also for numbers that the type cannot hold exactly.
struct ParseNumberStep: StepDefinition {
    let decimal: UInt8
    /// UTF-8 of one character; empty: none.
    let thousands: [UInt8]
    let type: DataType
    let onFailure: OnFailure

    static func read(_ arguments: inout Arguments) -> ParseNumberStep? {
        let decimal = arguments.text("decimal") ?? "."
        let thousands = arguments.text("thousands") ?? ""
        let type = arguments.has("to") ? arguments.type("to") : .float64
        let onFailure = arguments.onFailure()
        guard decimal.utf8.count == 1, let point = decimal.utf8.first, !isDigitOrSign(point) else {
            arguments.refuse("decimal", expected: "one character, such as . or ,")
            return nil
        }
        guard thousands.unicodeScalars.count <= 1, thousands != decimal, !thousands.utf8.contains(where: isDigitOrSign)
        else {
            arguments.refuse("thousands", expected: "one character that is not the decimal one")
            return nil
        }
        guard let type else { return nil }
        guard [.integer, .float, .decimal].contains(type.kind) else {
            arguments.refuse("to", expected: "an integer, float or decimal type")
            return nil
        }
        return ParseNumberStep(
            decimal: point, thousands: Array(thousands.utf8), type: type, onFailure: onFailure)
    }

    private static func isDigitOrSign(_ byte: UInt8) -> Bool {
        byte &- UInt8(ascii: "0") < 10 || byte == UInt8(ascii: "-") || byte == UInt8(ascii: "+")
    }

    func compile(_ context: inout StepContext) -> CompiledStep? {
        var words = [("decimal", String(decoding: [decimal], as: UTF8.self))]
        if !thousands.isEmpty { words.append(("thousands", String(decoding: thousands, as: UTF8.self))) }
        words.append(("to", type.description))
        if onFailure != .stop { words.append(("on_failure", onFailure.rawValue)) }
        return CompiledStep(type: type, plan: context.plan(words), ParseNumberOperation(step: self))
    }

    /// The number as a plain one: sign, digits, `.`, digits. nil: not of this form.
    func plain(_ bytes: UnsafeRawBufferPointer) -> [UInt8]? {
        var text = unsafe bytes[...]
        while let first = unsafe text.first, isSpace(first) { unsafe text.removeFirst() }
        while let last = unsafe text.last, isSpace(last) { unsafe text.removeLast() }
        var plain: [UInt8] = []
        if let first = unsafe text.first, first == UInt8(ascii: "-") || first == UInt8(ascii: "+") {
            plain.append(first)
            unsafe text.removeFirst()
        }
        var groupSize = 0
        var groupCount = 1
        while let byte = unsafe text.first, byte != decimal {
            if byte &- UInt8(ascii: "0") < 10 {
                plain.append(byte)
                groupSize += 1
                unsafe text.removeFirst()
            } else if !thousands.isEmpty, unsafe text.starts(with: thousands), groupSize > 0 {
                guard groupCount == 1 ? groupSize <= 3 : groupSize == 3 else { return nil }
                groupCount += 1
                groupSize = 0
                unsafe text.removeFirst(thousands.count)
            } else {
                return nil
            }
        }
        if groupCount > 1, groupSize != 3 { return nil }
        if unsafe !text.isEmpty {
            plain.append(UInt8(ascii: "."))
            let digits = unsafe text.dropFirst()
            guard unsafe digits.allSatisfy({ $0 &- UInt8(ascii: "0") < 10 }) else { return nil }
            unsafe plain.append(contentsOf: digits)
        }
        return plain.contains { $0 &- UInt8(ascii: "0") < 10 } ? plain : nil
    }

    private func isSpace(_ byte: UInt8) -> Bool { byte == UInt8(ascii: " ") || byte == UInt8(ascii: "\t") }
}

private struct ParseNumberOperation: ColumnOperation {
    let step: ParseNumberStep

    func apply(_ column: Column, in chunk: Chunk) throws(ValueFailure) -> Outcome {
        var log = FailureLog(step.onFailure)
        // Two passes: into plain notation, then by the parser that all casts use.
        let plain = unsafe try column.rewritten(&log, code: .doesNotParse) { bytes in
            unsafe step.plain(bytes).map { String(decoding: $0, as: UTF8.self) }
        }
        let numbers: Column
        switch step.type {
        case .int16, .int32, .int64:
            // Through a decimal, so that `12.00` is a whole number too.
            let whole = try TextParser.column(plain, as: .decimal(precision: 38, scale: 0), &log)
            numbers = try Conversion.convert(whole, to: step.type, &log)
        default: numbers = try TextParser.column(plain, as: step.type, &log)
        }
        return Outcome(numbers, nulled: log.nulled, dropped: log.dropped.sorted())
    }
}
