/// The lines of two texts, matched by their longest common subsequence.
struct LineDifference {
  enum Line: Equatable {
    case common(String)
    case expected(String)
    case actual(String)
  }
  let lines: [Line]

  /// Beyond this many cells of the table, the changed middle is shown as replaced as a whole.
  private static let largestTable = 1_000_000

  init(_ expected: [String], _ actual: [String]) {
    let head = zip(expected, actual).prefix { $0 == $1 }.count
    let left = expected.dropFirst(head)
    let right = actual.dropFirst(head)
    let tail = zip(left.reversed(), right.reversed()).prefix { $0 == $1 }.count
    lines =
      expected.prefix(head).map(Line.common)
      + Self.middle(Array(left.dropLast(tail)), Array(right.dropLast(tail)))
      + left.suffix(tail).map(Line.common)
  }

  private static func middle(_ left: [String], _ right: [String]) -> [Line] {
    guard !left.isEmpty, !right.isEmpty, left.count * right.count <= largestTable else {
      return left.map(Line.expected) + right.map(Line.actual)
    }
    let width = right.count + 1
    var longest = [Int32](repeating: 0, count: (left.count + 1) * width)
    for i in left.indices.reversed() {
      for j in right.indices.reversed() {
        longest[i * width + j] =
          left[i] == right[j]
          ? longest[(i + 1) * width + j + 1] + 1
          : max(longest[(i + 1) * width + j], longest[i * width + j + 1])
      }
    }
    var lines: [Line] = []
    var (i, j) = (0, 0)
    while i < left.count || j < right.count {
      if i < left.count, j < right.count, left[i] == right[j] {
        lines.append(.common(left[i]))
        (i, j) = (i + 1, j + 1)
      } else if i < left.count, j == right.count || longest[(i + 1) * width + j] >= longest[i * width + j + 1]
      {
        lines.append(.expected(left[i]))
        i += 1
      } else {
        lines.append(.actual(right[j]))
        j += 1
      }
    }
    return lines
  }

  /// The changed lines with `context` common ones around, `…` between; at most `limit` lines.
  func rendered(context: Int, limit: Int) -> [String] {
    let changed = lines.indices.filter { if case .common = lines[$0] { false } else { true } }
    var shown: [String] = []
    var previous = -1
    for index in lines.indices {
      guard changed.contains(where: { abs($0 - index) <= context }) else { continue }
      if index > previous + 1 { shown.append("…") }
      previous = index
      if shown.count >= limit { return shown + ["… (more differences)"] }
      switch lines[index] {
      case .common(let line): shown.append("  \(line)")
      case .expected(let line): shown.append("- \(line)")
      case .actual(let line): shown.append("+ \(line)")
      }
    }
    return changed.isEmpty ? [] : shown + (previous + 1 < lines.count ? ["…"] : [])
  }
}
