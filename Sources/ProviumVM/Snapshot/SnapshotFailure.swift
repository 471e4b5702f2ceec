/// A snapshot could not be taken or resumed.
package struct SnapshotFailure: Error, Sendable, CustomStringConvertible {
  package let description: String
}
