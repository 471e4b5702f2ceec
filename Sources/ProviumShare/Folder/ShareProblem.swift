/// The reason why a folder cannot be shared.
package struct ShareProblem: Error, Sendable, CustomStringConvertible {
  package let description: String

  package init(_ description: String) { self.description = description }
}
