internal import CProviumWire

/// Encoders of the requests of commands, jobs and the agent itself. Layouts are drawn in `provium_wire.h`.
enum Request {
  static func empty(_ code: MessageCode) throws -> EncodedMessage { try MessageWriter(code).finish() }

  /// A request whose payload is one text: a path, a command.
  static func text(_ code: MessageCode, _ text: ByteString) throws -> EncodedMessage {
    let writer = MessageWriter(code, capacity: text.count)
    writer.bytes(text.bytes)
    return try writer.finish()
  }

  /// A request whose payload follows its header from where it is.
  static func bytes(_ code: MessageCode, count: Int) throws -> EncodedMessage {
    try MessageWriter(code).finish(tail: count)
  }

  // MARK: commands

  static func exec(_ command: ByteString, _ options: ExecOptions) throws -> EncodedMessage {
    let writer = MessageWriter(.execFull, capacity: 64 + command.count)
    var flags: UInt32 = 0
    if options.stdin != nil { flags |= PV_EXEC_STDIN.rawValue }
    if options.clearEnvironment { flags |= PV_EXEC_CLEAR_ENV.rawValue }
    writer.integer(flags)
    writer.integer(options.timeout.map { wireMilliseconds($0) } ?? 0)
    writer.counted(try (options.directory ?? "").checked("cwd"))
    writer.integer(UInt32(clamping: options.environment.count))
    for (name, value) in options.environment {
      if name.isEmpty || name.bytes.contains(UInt8(ascii: "=")) {
        throw InvalidArgument("env", "\"\(name)\" is no name of a variable")
      }
      let variable = ByteString(
        try name.checked("env").bytes + [UInt8(ascii: "=")] + value.checked("env").bytes
      )
      writer.counted(variable)
    }
    writer.counted(try command.checked("cmd"))
    return try writer.finish()
  }

  // MARK: jobs

  static func collectJob(_ id: UInt32, wait: Duration, kill: Bool) throws -> EncodedMessage {
    let writer = MessageWriter(.jobCollect)
    writer.integer(id)
    writer.integer(wait > .zero ? wireMilliseconds(wait) : 0)
    writer.integer(kill ? PV_COLLECT_KILL.rawValue : UInt32(0))
    return try writer.finish()
  }

  // MARK: the agent

  static func spawnWorker(_ kind: WorkerKind) throws -> EncodedMessage {
    let writer = MessageWriter(.spawnWorker)
    writer.integer(kind.rawValue)
    return try writer.finish()
  }

  static func resume(nonce: [UInt8], realtimeNanoseconds: UInt64, seed: [UInt8]) throws -> EncodedMessage {
    guard nonce.count == WireLimit.nonceSize else {
      throw InvalidArgument("nonce", "has \(nonce.count) bytes")
    }
    guard seed.count == WireLimit.seedSize else { throw InvalidArgument("seed", "has \(seed.count) bytes") }
    let writer = MessageWriter(.resume)
    writer.bytes(nonce)
    writer.integer(realtimeNanoseconds)
    writer.bytes(seed)
    return try writer.finish()
  }

  /// What a connection over vsock begins with.
  static func secret(_ secret: GuestSecret) throws -> EncodedMessage {
    let writer = MessageWriter(.secret)
    writer.bytes(secret.bytes)
    return try writer.finish()
  }

  // MARK: control

  /// - Parameter request: which one of the target's session, counted from 1; 0: whatever it is doing.
  static func interrupt(target: UInt32, command: Bool, request: UInt32) throws -> EncodedMessage {
    let writer = MessageWriter(.interrupt)
    writer.integer(target)
    writer.integer(command ? PV_INTERRUPT_COMMAND.rawValue : UInt32(0))
    writer.integer(request)
    return try writer.finish()
  }

  static func followLog(_ start: KernelLogStart, credit: UInt32) throws -> EncodedMessage {
    let writer = MessageWriter(.followLog)
    writer.integer(start.rawValue)
    writer.integer(credit)
    return try writer.finish()
  }

  static func logCredit(_ bytes: UInt32) throws -> EncodedMessage {
    let writer = MessageWriter(.logCredit)
    writer.integer(bytes)
    return try writer.finish()
  }

  static func logSync(_ token: UInt32) throws -> EncodedMessage {
    let writer = MessageWriter(.logSync)
    writer.integer(token)
    return try writer.finish()
  }

  static func killWorker(_ number: UInt32, pid: Int32) throws -> EncodedMessage {
    let writer = MessageWriter(.killWorker)
    writer.integer(number)
    writer.integer(pid)
    return try writer.finish()
  }

  /// At least 1, for 0 means no limit; `UInt32.max`, for ever, when it is longer than 49 days.
  static func wireMilliseconds(_ duration: Duration) -> UInt32 {
    let (seconds, attoseconds) = duration.components
    guard seconds < 4_000_000 else { return .max }
    guard seconds >= 0, attoseconds >= 0 else { return 1 }
    return UInt32(
      clamping: max(1, seconds * 1000 + (attoseconds + 999_999_999_999_999) / 1_000_000_000_000_000)
    )
  }
}
