/// "Did you mean …?": the known name that is nearest to a mistyped one.
package enum NearestName {
  /// Returns the nearest of `names`; nil when more than a third of the letters differ.
  package static func find(_ name: String, among names: some Sequence<String>) -> String? {
    let wanted = Array(name.lowercased())
    let limit = max(1, wanted.count / 3)
    var best: (name: String, distance: Int)?
    for candidate in names {
      let distance = editDistance(wanted, Array(candidate.lowercased()))
      if distance <= limit, distance < best?.distance ?? .max { best = (candidate, distance) }
    }
    return best?.name
  }

  /// Returns ` (did you mean 'NAME'?)`; an empty text when no name is near.
  package static func hint(for name: String, among names: some Sequence<String>) -> String {
    find(name, among: names).map { " (did you mean '\($0)'?)" } ?? ""
  }

  /// Returns the number of insertions, deletions, substitutions and swaps of neighbours between two
  /// sequences.
  package static func editDistance<Element: Equatable>(_ left: [Element], _ right: [Element]) -> Int {
    if left.isEmpty || right.isEmpty { return max(left.count, right.count) }
    var before = [Int](repeating: 0, count: right.count + 1)
    var above = Array(0...right.count)
    for i in 1...left.count {
      var row = [i] + [Int](repeating: 0, count: right.count)
      for j in 1...right.count {
        row[j] = min(above[j] + 1, row[j - 1] + 1, above[j - 1] + (left[i - 1] == right[j - 1] ? 0 : 1))
        if i > 1, j > 1, left[i - 1] == right[j - 2], left[i - 2] == right[j - 1] {
          row[j] = min(row[j], before[j - 2] + 1)
        }
      }
      before = above
      above = row
    }
    return above[right.count]
  }
}
