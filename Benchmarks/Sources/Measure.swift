import ProviumSystem

/// Durations in seconds of something done again and again.
struct Sample {
  private(set) var values: [Double] = []

  mutating func take(_ body: () throws -> Void) rethrows {
    let begin = Deadline.now
    try body()
    values.append(Double(Deadline.now - begin) / 1e9)
  }
  mutating func add(_ seconds: Double) { values.append(seconds) }

  /// The least noisy of the simple figures.
  var median: Double {
    let sorted = values.sorted()
    return sorted.isEmpty ? .nan : sorted[sorted.count / 2]
  }
}

/// One line of the table: a figure, what it is held against, and the promise.
struct Row {
  enum Promise {
    case atMost(Double)
    case atLeast(Double)
  }
  let name: String
  let figure: String
  let baseline: String
  /// The value that the promise is about: a ratio, milliseconds or a percentage, by `unit`.
  let value: Double
  let unit: String
  let promise: Promise

  var isKept: Bool {
    switch promise {
    case .atMost(let limit): value <= limit
    case .atLeast(let limit): value >= limit
    }
  }

  var cells: [String] {
    let limit =
      switch promise {
      case .atMost(let limit): "≤ \(number(limit))\(unit)"
      case .atLeast(let limit): "≥ \(number(limit))\(unit)"
      }
    return [name, figure, baseline, "\(number(value))\(unit)", limit, isKept ? "kept" : "BROKEN"]
  }
}

/// `12.3`, `150`, `0.08`.
func number(_ value: Double) -> String {
  guard value.isFinite else { return "?" }
  let digits = abs(value) >= 100 ? 0 : abs(value) >= 10 ? 1 : 2
  let scale = [1.0, 10, 100][digits]
  let rounded = (value * scale).rounded() / scale
  return rounded == rounded.rounded() ? "\(Int(rounded))" : "\(rounded)"
}

/// `1.62 s`, `84.2 ms`, `180 µs`.
func text(seconds: Double) -> String {
  if seconds >= 1 { return "\(number(seconds)) s" }
  if seconds >= 1e-3 { return "\(number(seconds * 1e3)) ms" }
  return "\(number(seconds * 1e6)) µs"
}

/// A table as Markdown has it.
func markdown(_ rows: [Row]) -> String {
  let head = ["what", "measured", "baseline", "result", "promise", ""]
  let lines = [head, head.map { _ in "---" }] + rows.map(\.cells)
  return lines.map { "| \($0.joined(separator: " | ")) |" }.joined(separator: "\n")
}
