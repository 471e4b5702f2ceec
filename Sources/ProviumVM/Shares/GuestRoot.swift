import Glibc
import ProviumAgentClient
import ProviumArchitecture
import ProviumSystem

/// Makes a shared folder the root of a guest that has booted its initramfs: an overlay of the folder and a tmpfs, with the
/// kernel's file systems mounted in it. The agent and all that it starts have this root. The initramfs stays the root of process 1.
struct GuestRoot {
  static let lower = "/.provium/host"
  private static let memory = "/.provium/changes"
  private static let root = "/.provium/root"
  /// MS_MOVE and MS_BIND of mount(2).
  private static let move: UInt64 = 8192
  private static let bind: UInt64 = 4096

  let connection: AgentConnection
  /// The guest kernel's release, for its modules; nil: unknown.
  let release: String?

  /// Names and errors are those of the kernel: `mount("/.provium/root"): ENODEV`.
  func enter(until deadline: Deadline) throws {
    try makeFolder(Self.memory, until: deadline)
    try mount("tmpfs", Self.memory, until: deadline)
    for folder in [Self.root, "\(Self.memory)/upper", "\(Self.memory)/work"] {
      try makeFolder(folder, until: deadline)
    }
    try mount(
      "overlay",
      Self.root,
      data: "lowerdir=\(Self.lower),upperdir=\(Self.memory)/upper,workdir=\(Self.memory)/work",
      until: deadline
    )
    for (type, folder) in [
      ("proc", "proc"), ("sysfs", "sys"), ("devtmpfs", "dev"), ("devpts", "dev/pts"), ("tmpfs", "dev/shm"),
      ("tmpfs", "run"), ("tmpfs", "tmp"),
    ] {
      try makeFolder("\(Self.root)/\(folder)", until: deadline)
      try mount(type, "\(Self.root)/\(folder)", until: deadline)
    }
    try bringModules(until: deadline)
    // As switch_root(8): the mount is moved to /, and becomes the root of the agent.
    try call("chdir", [(0, Self.root)], until: deadline)
    try connection.mount(
      MountRequest(source: ".", target: "/", type: "", flags: Self.move),
      until: deadline
    )
    try call("chroot", [(0, ".")], until: deadline)
    try call("chdir", [(0, "/")], until: deadline)
    // Links that userlands expect in /dev.
    try connection.mountVFS(until: deadline)
  }

  /// The modules of the guest's kernel, which the host's tree seldom has.
  private func bringModules(until deadline: Deadline) throws {
    guard let release,
      let status = try? connection.stat(ByteString("/lib/modules/\(release)"), until: deadline),
      status.type == .directory
    else { return }
    let target = "\(Self.root)/lib/modules/\(release)"
    try makeFolder("\(Self.root)/lib", until: deadline)
    try makeFolder("\(Self.root)/lib/modules", until: deadline)
    try makeFolder(target, until: deadline)
    try connection.mount(
      MountRequest(
        source: ByteString("/lib/modules/\(release)"),
        target: ByteString(target),
        type: "",
        flags: Self.bind
      ),
      until: deadline
    )
  }

  private func mount(_ type: String, _ target: String, data: String = "", until deadline: Deadline) throws {
    try connection.mount(
      MountRequest(
        source: ByteString(type),
        target: ByteString(target),
        type: ByteString(type),
        flags: 0,
        data: ByteString(data)
      ),
      until: deadline
    )
  }

  /// Makes a folder; one that exists stays.
  private func makeFolder(_ path: String, until deadline: Deadline) throws {
    let isNew = try call("mkdirat", [(1, path)], [0: AT_FDCWD, 2: 0o755], allowing: EEXIST, until: deadline)
    // Also for a guest with another umask.
    if isNew { try call("fchmodat", [(1, path)], [0: AT_FDCWD, 2: 0o755], until: deadline) }
  }

  /// Makes a system call of the guest's agent with paths as arguments.
  @discardableResult
  private func call(
    _ name: String,
    _ paths: [(index: Int, path: String)],
    _ numbers: [Int: Int32] = [:],
    allowing errno: Int32? = nil,
    until deadline: Deadline
  ) throws -> Bool {
    guard let number = SyscallName.number(name, connection.architecture) else {
      throw GuestError.refused(Errno(ENOSYS), message: "\(name): not known for \(connection.architecture)")
    }
    var call = SystemCall(number: number, arguments: [0, 0, 0])
    for (index, path) in paths {
      call.buffers.append(CallBuffer(argument: index, bytes: Array(path.utf8) + [0]))
    }
    for (index, value) in numbers { call.arguments[index] = Int64(value) }
    let result = try connection.syscall(call, until: deadline)
    if let error = result.errno, error.number != errno {
      throw GuestError.refused(
        error,
        message: "\(name) \(paths.map(\.path).joined(separator: " ")): \(error.name)"
      )
    }
    return result.errno == nil
  }
}
