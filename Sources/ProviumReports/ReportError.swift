/// Why a report cannot be written or read.
package struct ReportError: Error, Sendable, CustomStringConvertible {
  package let description: String

  /// The whole message.
  package init(_ description: String) { self.description = description }

  /// `cannot write the JUnit report to /x: EACCES …`
  init(_ operation: String, _ path: String, _ cause: String) {
    self.init("cannot \(operation) \(path): \(cause)")
  }
}
