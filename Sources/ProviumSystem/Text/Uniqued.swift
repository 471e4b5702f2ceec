extension Sequence where Element: Hashable {
  /// Returns the elements in their order, without those that were there before.
  package func uniqued() -> [Element] {
    var seen: Set<Element> = []
    return filter { seen.insert($0).inserted }
  }
}
