/// The files in a run's directory that keep what a VM has printed. Named by the VM's number in events, so
/// that a report finds them.
package enum MachineFiles {
  /// The serial console: `RUN/consoles/vm1.log`. There from the VM's end on.
  package static func console(of machine: Int, in run: String) -> String {
    "\(run)/consoles/vm\(machine).log"
  }

  /// The kernel's log with all levels, also those that the console does not show:
  /// `RUN/consoles/vm1-kernel.log`.
  package static func kernelLog(of machine: Int, in run: String) -> String {
    "\(run)/consoles/vm\(machine)-kernel.log"
  }

  /// The debug log, if debug logs are on: `RUN/consoles/vm1-debug.log`.
  package static func debugLog(of machine: Int, in run: String) -> String {
    "\(run)/consoles/vm\(machine)-debug.log"
  }
}
