internal import CLinux
import Glibc

/// A child that outlives this process on purpose, to clean up after it. Init reaps it.
package struct DetachedChild {
  package init(executable: String, arguments: [String], stdin: Int32) throws {
    // The shell ends at once, so init becomes the parent of the detached child, and no zombie stays here.
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
