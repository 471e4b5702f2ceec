package import ProviumSystem

/// Arguments of `mount(2)`.
package struct MountRequest: Sendable {
  package var source: ByteString
  package var target: ByteString
  package var type: ByteString
  package var flags: UInt64
  package var data: ByteString

  package init(
    source: ByteString,
    target: ByteString,
    type: ByteString,
    flags: UInt64 = 0,
    data: ByteString = ""
  ) {
    self.source = source
    self.target = target
    self.type = type
    self.flags = flags
    self.data = data
  }
}

extension AgentConnection {
  /// Mounts /proc, /sys, /sys/kernel/security and /dev where they are not mounted. Idempotent.
  package func mountVFS(until deadline: Deadline) throws {
    try perform("mount_vfs", []) { exchange in
      try done(try Request.empty(.mountVFS), "mount_vfs", exchange, until: deadline)
      return ((), .nothing)
    }
  }

  /// Mounts a file system, as `mount(2)` does.
  package func mount(_ mount: MountRequest, until deadline: Deadline) throws {
    try perform("mount", [.text(mount.source), .text(mount.target), .text(mount.type)]) { exchange in
      if mount.target.isEmpty { throw InvalidArgument(.mountTarget, "is empty") }
      try done(try Request.mount(mount), "mount(\"\(mount.target)\")", exchange, until: deadline)
      return ((), .integer(0))
    }
  }
}

extension Request {
  /// Encodes MOUNT.
  static func mount(_ mount: MountRequest) throws -> EncodedMessage {
    let writer = MessageWriter(.mount)
    writer.integer(mount.flags)
    writer.counted(try mount.source.checked(.mountSource))
    writer.counted(try mount.target.checked(.mountTarget))
    writer.counted(try mount.type.checked(.mountType))
    writer.counted(try mount.data.checked(.mountData))
    return try writer.finish()
  }
}
