/// The level of the VMs' debug logs.
package enum LogLevel: String, Sendable, CaseIterable {
  /// There are no debug logs.
  case off
  /// QEMU's command line, stages, operations, and QMP traffic.
  case debug
}
