package import ProviumSystem

extension GuestSession {
  /// The kernel's log, as `dmesg(1)` would print it.
  package func kernelLog(limit: Int = 64 << 20, until deadline: Deadline) throws -> [UInt8] {
    try perform("dmesg", []) { connection in
      let output = BoundedOutput(limit: limit, what: "dmesg")
      let message = try Request.empty(.kernelLog)
      try connection.stream(message, what: "dmesg", until: deadline) { try output.append($0) }
      let log = output.stdout
      return (log, .bytes(log.count))
    }
  }

  /// Mounts /proc, /sys, /sys/kernel/security and /dev where missing.
  package func mountVFS(until deadline: Deadline) throws {
    try perform("mount_vfs", []) { connection in
      try done(try Request.empty(.mountVFS), "mount_vfs", connection, until: deadline)
      return ((), .nothing)
    }
  }

  package func mount(_ mount: MountRequest, until deadline: Deadline) throws {
    try perform("mount", [.text(mount.source), .text(mount.target), .text(mount.type)]) { connection in
      if mount.target.isEmpty { throw InvalidArgument("target", "is empty") }
      try done(try Request.mount(mount), "mount(\"\(mount.target)\")", connection, until: deadline)
      return ((), .integer(0))
    }
  }

  /// What the agent has open.
  package func state(until deadline: Deadline) throws -> GuestState {
    try perform("state", []) { connection in
      let state = try connection.ask(try Request.empty(.state), .stateResult, what: "state", until: deadline)
      {
        try GuestState($0)
      }
      return (state, .nothing)
    }
  }

  /// The same bytes back: proof that the guest lives, and a measure of the channel.
  package func echo(_ bytes: [UInt8], until deadline: Deadline) throws -> [UInt8] {
    try perform("echo", [.text(bytes)]) { connection in
      let message = try Request.bytes(.echo, count: bytes.count)
      let reply = try bytes.withUnsafeBytes { tail in
        try connection.ask(message, tail: tail, .data, what: "echo", until: deadline) { [UInt8](copying: $0) }
      }
      return (reply, .bytes(reply.count))
    }
  }

  /// Syncs file systems and expects this connection to end with a snapshot. The next operation takes that back.
  package func quiesce(until deadline: Deadline) throws {
    try perform("quiesce", []) { connection in
      try done(try Request.empty(.quiesce), "quiesce", connection, until: deadline)
      return ((), .nothing)
    }
  }

  func done(
    _ message: EncodedMessage,
    _ what: String,
    _ connection: GuestConnection,
    until deadline: Deadline
  ) throws {
    _ = try connection.ask(message, .done, what: what, until: deadline) { try DoneReply($0) }
  }
}
