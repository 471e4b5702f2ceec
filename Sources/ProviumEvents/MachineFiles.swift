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

  /// The last frames of a network when a test failed, as pcapng: `RUN/captures/1-lan.pcapng`.
  package static func capture(of network: String, number: Int, in run: String) -> String {
    "\(run)/captures/\(number)-\(captureName(of: network))"
  }

  /// `lan.pcapng`. A network may have any name.
  package static func captureName(of network: String) -> String {
    let kept = network.utf8.map { byte in
      switch byte {
      case UInt8(ascii: "a")...UInt8(ascii: "z"), UInt8(ascii: "A")...UInt8(ascii: "Z"),
        UInt8(ascii: "0")...UInt8(ascii: "9"), UInt8(ascii: "-"):
        byte
      default: UInt8(ascii: "_")
      }
    }
    return "\(String(decoding: kept, as: UTF8.self)).pcapng"
  }
}
