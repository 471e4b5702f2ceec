/// Memory that an argument of a system call points to.
package struct CallBuffer: Hashable, Sendable {
  /// The argument that becomes the address, counted from 0.
  package var argument: Int
  package var bytes: [UInt8]

  package init(argument: Int, bytes: [UInt8]) {
    self.argument = argument
    self.bytes = bytes
  }
}
