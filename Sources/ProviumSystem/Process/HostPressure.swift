/// The share of the last 10 s that tasks of the host spent waiting, in percent; 0 where the kernel does not
/// say (Documentation/accounting/psi.rst).
package struct HostPressure: Sendable, Hashable {
  /// Some tasks waited for memory.
  package var memory = 0.0
  /// Some tasks waited for a processor.
  package var cpu = 0.0
  /// All tasks that were not idle waited for a disk.
  package var io = 0.0

  package init(memory: Double = 0, cpu: Double = 0, io: Double = 0) {
    self.memory = memory
    self.cpu = cpu
    self.io = io
  }
}
