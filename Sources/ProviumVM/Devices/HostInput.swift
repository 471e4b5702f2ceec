/// A host file whose contents a guest can read.
package struct HostInput: Sendable, Hashable {
  /// For messages: `the root disk`.
  package let role: String
  package let path: String
}
