internal import CLinux
import Glibc

/// A child that outlives its parent on purpose: it cleans up after us. Nobody waits for it but the system.
package struct DetachedChild {
  package init(executable: String, arguments: [String], stdin: Int32) throws {
    // Not in our process group, and not killed with us; the parent of record is a process that has already ended, so that
    // no zombie of it stays with us.
    let child = try ChildProcess(
      executable: "/bin/sh",
      arguments: ["-c", "exec 3<&0; \"$@\" <&3 3<&- >/dev/null 2>&1 &", "sh", executable] + arguments,
      descriptors: [0: stdin],
      inNewSession: true,
      diesWithParent: false
    )
    _ = try child.wait(until: .after(.seconds(10)))
  }
}

extension Pipe {
  /// Closes the reading end and gives the other.
  package consuming func takeWrite() -> Descriptor { closingRead() }
}
