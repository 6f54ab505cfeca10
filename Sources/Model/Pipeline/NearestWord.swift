/// The valid word that a mistyped one most likely stands for.
package enum NearestWord {
    /// The word of least edit distance (insert, delete, replace, swap neighbours; case ignored), or nil when none is
    /// within a third of the word's length plus one. Ties go to the earlier word.
    package static func find(_ word: String, among words: [String]) -> String? {
        // A long text is no mistyped word; and the distance costs length times length.
        guard word.utf8.count <= 200 else { return nil }
        let wanted = Array(word.lowercased())
        let limit = wanted.count / 3 + 1
        var best: (word: String, distance: Int)?
        // Words whose lengths differ by more than the limit are further away than it.
        for candidate in words where abs(candidate.count - wanted.count) <= limit {
            let distance = editDistance(wanted, Array(candidate.lowercased()))
            if distance <= limit, distance < best?.distance ?? .max { best = (candidate, distance) }
        }
        return best?.word
    }

    static func editDistance(_ a: [Character], _ b: [Character]) -> Int {
        if a.isEmpty || b.isEmpty { return max(a.count, b.count) }
        var beforePrevious = [Int](repeating: 0, count: b.count + 1)
        var previous = Array(0...b.count)
        for i in 1...a.count {
            var current = [i] + [Int](repeating: 0, count: b.count)
            for j in 1...b.count {
                let cost = a[i - 1] == b[j - 1] ? 0 : 1
                current[j] = min(previous[j] + 1, current[j - 1] + 1, previous[j - 1] + cost)
                if i > 1, j > 1, a[i - 1] == b[j - 2], a[i - 2] == b[j - 1] {
                    current[j] = min(current[j], beforePrevious[j - 2] + 1)
                }
            }
            beforePrevious = previous
            previous = current
        }
        return previous[b.count]
    }
}
