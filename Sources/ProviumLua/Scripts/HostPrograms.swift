import Glibc
import ProviumSystem
import Synchronization

/// The programs that a script started on the host with `os.execute` and `io.popen`. Thread-safe.
///
/// Lua's own functions wait inside the C library, where no time limit and no interrupt reaches them, and
/// leave background programs running.
package final class HostPrograms: Sendable {
  private struct State {
    var running: [Int32: ChildProcess] = [:]
    /// Process groups whose leader has exited and that still have members, as after `os.execute("server &")`.
    var groups: Set<Int32> = []
  }
  private let state = Mutex(State())

  /// Starts a shell command and returns its pid. The command has our standard descriptors and `descriptors`
  /// (its number → ours), which replace them.
  func start(_ command: String, descriptors: [Int32: Int32] = [:]) throws -> Int32 {
    let standard = [Int32(0): Int32(0), 1: 1, 2: 2]
    let child = try ChildProcess(
      executable: "/bin/sh",
      arguments: ["-c", command],
      descriptors: standard.merging(descriptors) { $1 }
    )
    state.withLock { $0.running[child.pid] = child }
    return child.pid
  }

  /// Waits for a program to exit, and kills it at the deadline. Blocks. nil: the pid is unknown, or was
  /// waited for before.
  func wait(_ pid: Int32, until deadline: Deadline) throws -> ExitStatus? {
    guard let child = state.withLock({ $0.running[pid] }) else { return nil }
    let ended = try child.wait(until: deadline) ?? child.terminate()
    state.withLock { state in
      state.running[pid] = nil
      if kill(-pid, 0) == 0 { state.groups.insert(pid) }
    }
    return ended
  }

  /// Kills the programs that the script waits for or reads from. Thread-safe.
  package func endRunning() {
    for child in state.withLock({ $0.running.values.map { $0 } }) { child.signal(SIGKILL, group: true) }
  }

  /// Kills all programs and background process groups that remain.
  func close() {
    endRunning()
    let (running, groups) = state.withLock { state in
      defer { state = State() }
      return (state.running.values.map { $0 }, state.groups)
    }
    running.forEach { $0.terminate() }
    groups.forEach { kill(-$0, SIGKILL) }
  }
}
