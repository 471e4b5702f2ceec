/// A request that makes no sense, refused before anything is sent: the user erred.
package struct InvalidArgument: Error, Hashable, Sendable, CustomStringConvertible {
  /// As the script names it: `index`, `ptr_offset`.
  package let name: String
  /// What is wrong with it and what is accepted.
  package let reason: String

  package init(_ name: String, _ reason: String) {
    self.name = name
    self.reason = reason
  }

  package var description: String { "\(name): \(reason)" }
}
