/// Tells equal names apart by their ordinal: the second `x` becomes `x #2`.
package struct OrdinalNames: Sendable {
  private var used: Set<String> = []
  private var counts: [String: Int] = [:]

  package init() {}

  /// Returns the name itself the first time, then with its ordinal. Never returns a name twice.
  package mutating func next(_ name: String) -> String {
    var candidate = name
    var count = counts[name, default: 1]
    while !used.insert(candidate).inserted {
      count += 1
      candidate = "\(name) #\(count)"
    }
    counts[name] = count
    return candidate
  }
}
