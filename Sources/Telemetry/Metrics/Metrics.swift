/// A page of measurements in the text format 0.0.4 of Prometheus, built family by family.
///
/// - Format: `# HELP name text`, `# TYPE name counter|gauge|histogram`, then `name{label="value"} number`, a line each,
///   ended by a line feed. Families stand in the order of the calls, the members of one in the order of their cases.
/// - Labels: values are the cases of an enum, so that none can be an identifier or a name from a source. `info` alone
///   takes texts.
/// - A name of another form, or one that was used, is our own mistake and stops the process.
package struct Metrics: Sendable {
    package static let contentType = "text/plain; version=0.0.4; charset=utf-8"

    package private(set) var text = ""
    private var names: Set<String> = []

    package init() {}

    /// A number that only grows while the process lives; the name ends in `_total`.
    package mutating func counter(_ name: StaticString, _ help: StaticString, _ count: Int) {
        begin(name, help, "counter")
        sample("\(name)", [], "\(count)")
    }

    /// A counter for each case of `Word`, 0 for one without a count.
    package mutating func counter<Word: MetricWord>(
        _ name: StaticString, _ help: StaticString, by label: StaticString, _ counts: [Word: Int]
    ) {
        begin(name, help, "counter")
        members(name, label, counts)
    }

    /// A number that goes up and down. nil: nothing to measure now, and the family has no sample.
    package mutating func gauge(_ name: StaticString, _ help: StaticString, _ value: Double?) {
        begin(name, help, "gauge")
        if let value { sample("\(name)", [], Metrics.number(value)) }
    }

    package mutating func gauge<Word: MetricWord>(
        _ name: StaticString, _ help: StaticString, by label: StaticString, _ values: [Word: Int]
    ) {
        begin(name, help, "gauge")
        members(name, label, values)
    }

    /// A gauge that is 1 and whose labels say what there is to say.
    package mutating func info(
        _ name: StaticString, _ help: StaticString, _ labels: KeyValuePairs<StaticString, String>
    ) {
        begin(name, help, "gauge")
        sample("\(name)", labels.map { ($0.key, $0.value) }, "1")
    }

    /// `_bucket` for each bound and `+Inf`, cumulative, then `_sum` and `_count`.
    package mutating func histogram(_ name: StaticString, _ help: StaticString, _ histogram: Histogram) {
        begin(name, help, "histogram")
        var count = 0
        for (bound, inBucket) in zip(histogram.bounds + [.infinity], histogram.counts) {
            count += inBucket
            sample("\(name)_bucket", [("le", Metrics.number(bound))], "\(count)")
        }
        sample("\(name)_sum", [], Metrics.number(histogram.sum))
        sample("\(name)_count", [], "\(count)")
    }

    private mutating func begin(_ name: StaticString, _ help: StaticString, _ type: String) {
        precondition(name.isWord, "a metric's name")
        let name = "\(name)"
        precondition(name.hasSuffix("_total") == (type == "counter"), "counters end in _total, and nothing else does")
        precondition(names.insert(name).inserted, "a family is printed once")
        text += "# HELP \(name) \(Metrics.escaped("\(help)"))\n# TYPE \(name) \(type)\n"
    }

    private mutating func members<Word: MetricWord>(
        _ name: StaticString, _ label: StaticString, _ values: [Word: Int]
    ) {
        for word in Word.allCases { sample("\(name)", [(label, word.rawValue)], "\(values[word] ?? 0)") }
    }

    private mutating func sample(_ name: String, _ labels: [(name: StaticString, value: String)], _ number: String) {
        text += name
        if !labels.isEmpty {
            let pairs = labels.map { label in
                precondition(label.name.isWord, "a label's name")
                return "\(label.name)=\"\(Metrics.escaped(label.value, isQuoted: true))\""
            }
            text += "{\(pairs.joined(separator: ","))}"
        }
        text += " \(number)\n"
    }

    static func escaped(_ text: String, isQuoted: Bool = false) -> String {
        var out = ""
        for scalar in text.unicodeScalars {
            switch scalar {
            case "\\": out += "\\\\"
            case "\n": out += "\\n"
            case "\"" where isQuoted: out += "\\\""
            default: out.unicodeScalars.append(scalar)
            }
        }
        return out
    }

    /// Whole numbers without a fraction; the shortest digits that give the same number again; `+Inf`, `-Inf`, `NaN`.
    static func number(_ value: Double) -> String {
        if value.isNaN { return "NaN" }
        if value.isInfinite { return value > 0 ? "+Inf" : "-Inf" }
        return Int64(exactly: value).map(String.init) ?? value.description
    }
}

/// The values of a label: a closed list of words.
package protocol MetricWord: RawRepresentable, CaseIterable, Hashable, Sendable where RawValue == String {}
