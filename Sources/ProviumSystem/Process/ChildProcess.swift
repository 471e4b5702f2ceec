internal import CLinux
import Glibc
import Synchronization

/// A child process that dies with this process. It has its own process group, a parent-death signal, and only
/// the descriptors that it was given.
///
/// The owner calls `terminate` or `wait`. When the object is released earlier, the child is killed and
/// reaped.
package final class ChildProcess: Sendable {
  package let pid: Int32
  /// Becomes readable when the child ends (`pidfd_open(2)`).
  package let exitDescriptor: Int32
  private let status = Mutex<ExitStatus?>(nil)

  /// - Parameters:
  ///   - executable: absolute path.
  ///   - arguments: without the program's name.
  ///   - environment: `NAME=value`; nil: the parent's.
  ///   - descriptors: the number in the child → the number here. Missing 0, 1, 2 are `/dev/null`.
  ///   - inNewSession: the terminal's Ctrl-C does not reach the child.
  ///   - diesWithParent: false only for a child that cleans up after this process.
  package convenience init(
    executable: String,
    arguments: [String],
    environment: [String]? = nil,
    directory: String? = nil,
    descriptors: [Int32: Int32] = [:],
    inNewSession: Bool = true,
    diesWithParent: Bool = true
  ) throws {
    let null = try Descriptor.open("/dev/null", O_RDWR)
    let map = Self.withStandard(descriptors, null: null).map {
      clinux_fd_map(parent_fd: $0.value, child_fd: $0.key)
    }
    let spawn = { @Sendable () -> (pid: pid_t, error: Int32, step: clinux_spawn_step) in
      Self.withCStrings([executable] + arguments) { argv in
        Self.withCStrings(environment ?? Self.parentEnvironment()) { envp in
          map.withUnsafeBufferPointer { map in
            Self.withOptionalCString(directory) { directory in
              var request = clinux_spawn()
              request.path = argv.first.flatMap { $0.map { UnsafePointer($0) } }
              request.argv = UnsafePointer(argv.baseAddress)
              request.envp = UnsafePointer(envp.baseAddress)
              request.directory = directory
              request.fds = map.baseAddress
              request.fd_count = map.count
              request.death_signal = diesWithParent ? SIGKILL : 0
              request.new_session = inNewSession
              var pid: pid_t = -1
              var step = CLINUX_SPAWN_FORK
              let error = clinux_spawn(&request, &pid, &step)
              return (pid, -error, step)
            }
          }
        }
      }
    }
    var result = try Spawner.shared.run(spawn)
    // A program that was just written may still be open in a child which another thread has forked and which
    // has not called execve(2) yet.
    let patience = Deadline.after(.seconds(2))
    while result.error == ETXTBSY, !patience.isExpired { result = try Spawner.shared.run(spawn) }
    guard result.error == 0 else {
      let what =
        switch result.step {
        case CLINUX_SPAWN_DIRECTORY: ("enter the directory", directory ?? "")
        case CLINUX_SPAWN_DESCRIPTORS: ("hand descriptors to", executable)
        default: ("run", executable)
        }
      throw SystemError(what.0, what.1, Errno(result.error))
    }
    try self.init(owning: result.pid, of: executable)
  }

  /// - Parameter pid: a child that was not reaped.
  init(owning pid: pid_t, of executable: String) throws {
    self.pid = pid
    let pidfd = clinux_pidfd_open(pid)
    guard pidfd >= 0 else {
      kill(pid, SIGKILL)
      var ignored: Int32 = 0
      _ = clinux_wait(pid, false, &ignored)
      throw SystemError("watch the process", executable, Errno(-pidfd))
    }
    exitDescriptor = pidfd
  }

  deinit {
    if status.withLock({ $0 }) == nil {
      kill(-pid, SIGKILL)
      kill(pid, SIGKILL)
      var ignored: Int32 = 0
      _ = clinux_wait(pid, false, &ignored)
    }
    close(exitDescriptor)
  }

  /// Returns how the child ended; nil while it runs. Does not block.
  package func poll() -> ExitStatus? {
    status.withLock { known in
      if known == nil {
        var raw: Int32 = 0
        if clinux_wait(pid, true, &raw) == 1 { known = ExitStatus(waitStatus: raw) }
      }
      return known
    }
  }

  /// Blocks until the child has ended; nil when the deadline came first.
  package func wait(until deadline: Deadline) throws -> ExitStatus? {
    while true {
      if let ended = poll() { return ended }
      guard try Readiness.waitReadable(exitDescriptor, until: deadline) else { return poll() }
    }
  }

  /// Sends a signal to the child, or with `group` to its whole process group. Does nothing when the child has
  /// ended.
  package func signal(_ number: Int32, group: Bool = false) {
    status.withLock { known in
      // The child is not reaped yet, so its number belongs to no other process.
      if known == nil { _ = kill(group ? -pid : pid, number) }
    }
  }

  /// Bytes of memory that the child shares with no other process and no file: anonymous pages, and pages of
  /// private mappings that it has written to (`RssAnon`, proc_pid_status(5)). Nil when the child has ended.
  package var privateMemory: UInt64? {
    status.withLock { known in
      // The child is not reaped yet, so its number belongs to no other process.
      guard known == nil, let text = try? Files.readText("/proc/\(pid)/status"),
        let line = text.split(separator: "\n").first(where: { $0.hasPrefix("RssAnon:") })
      else { return nil }
      return line.split(whereSeparator: \.isWhitespace).dropFirst().first.flatMap { UInt64($0) }.map {
        $0 << 10
      }
    }
  }

  /// Kills the process group and reaps the child.
  @discardableResult
  package func terminate() -> ExitStatus? {
    signal(SIGKILL, group: true)
    signal(SIGKILL)
    return try? wait(until: .never)
  }

  /// Adds the standard descriptors that are missing.
  static func withStandard(_ descriptors: [Int32: Int32], null: borrowing Descriptor) -> [Int32:
    Int32]
  {
    var all = descriptors
    for standard in Int32(0)...2 where all[standard] == nil { all[standard] = null.raw }
    return all
  }

  // MARK: C strings

  static func parentEnvironment() -> [String] {
    var result: [String] = []
    var next = environ
    while let entry = next.pointee {
      result.append(String(cString: entry))
      next += 1
    }
    return result
  }

  private static func withCStrings<R>(
    _ strings: [String],
    _ body: (UnsafeMutableBufferPointer<UnsafeMutablePointer<CChar>?>) -> R
  ) -> R {
    var pointers = strings.map { strdup($0.cPath) } + [nil]
    defer { pointers.forEach { free($0) } }
    return pointers.withUnsafeMutableBufferPointer { body($0) }
  }

  private static func withOptionalCString<R>(_ string: String?, _ body: (UnsafePointer<CChar>?) -> R) -> R {
    guard let string else { return body(nil) }
    return string.cPath.withUnsafeBufferPointer { body($0.baseAddress) }
  }
}
