/// The first record to follow.
package enum KernelLogStart: UInt32, Sendable {
  /// The oldest record that the kernel has kept.
  case oldest = 0
  /// The record after the last one that an earlier connection of this boot has received, also before a
  /// snapshot.
  case afterLast = 1
  /// The next record that is logged.
  case newest = 2
}
