package import ProviumEvents

/// One VM from its start to its end.
package struct MachineRun: Sendable {
  /// The VM's description, with the kernel once it is known.
  package internal(set) var description: MachineDescription
  /// In seconds since the run began.
  package let started: Double
  /// The seconds from the start until the agent answered.
  package internal(set) var readyAfter: Double?
  /// In seconds since the run began; nil while the VM runs.
  package internal(set) var ended: Double?
  /// The reason for the end.
  package internal(set) var reason = ""

  init(description: MachineDescription, started: Double) {
    self.description = description
    self.started = started
  }
}
