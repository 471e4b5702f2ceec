/// The difference between the lines of two texts.
struct LineDifference {
  enum Line: Equatable {
    case common(String)
    case expected(String)
    case actual(String)
  }
  let lines: [Line]

  /// The largest product of the changed middles' lengths. Time and memory of the comparison grow with it; a
  /// larger middle is shown as replaced as a whole.
  private static let largestProduct = 1_000_000

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
    guard left.count * right.count <= largestProduct else {
      return left.map(Line.expected) + right.map(Line.actual)
    }
    var removed = Set<Int>()
    var inserted = Set<Int>()
    for change in right.difference(from: left) {
      switch change {
      case .remove(let offset, _, _): removed.insert(offset)
      case .insert(let offset, _, _): inserted.insert(offset)
      }
    }
    var lines: [Line] = []
    var (i, j) = (0, 0)
    while i < left.count || j < right.count {
      if removed.contains(i) {
        lines.append(.expected(left[i]))
        i += 1
      } else if inserted.contains(j) {
        lines.append(.actual(right[j]))
        j += 1
      } else {
        lines.append(.common(left[i]))
        (i, j) = (i + 1, j + 1)
      }
    }
    return lines
  }

  /// The changed lines with `context` common ones around them and `…` between. At most `limit` lines.
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
