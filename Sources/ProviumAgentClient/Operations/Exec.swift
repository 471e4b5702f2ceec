internal import CProviumWire
import Glibc
package import ProviumSystem

extension AgentConnection {
  /// Runs `/bin/sh -c command` to its end. Blocks. A command that fails is a result, not an error.
  package func exec(
    _ command: ByteString,
    _ options: CommandOptions = CommandOptions(),
    until deadline: Deadline
  ) throws -> CommandResult {
    let collected = BoundedOutput(limit: options.outputLimit, what: "exec(\"\(command.shortened)\")")
    var result = try exec(command, options, until: deadline) { try collected.append($0, toError: $1) }
    result.standardOutput = CommandOutput(collected.stdout)
    result.standardError = CommandOutput(collected.stderr)
    return result
  }

  /// Runs `/bin/sh -c command` to its end and passes its output on, piece by piece. `options.outputLimit` is
  /// not used, and the streams of the result are empty. The command waits while `output` runs.
  /// - Parameter output: receives a piece, which is valid during the call, and whether it is from the
  ///   standard error. When it throws, the command is killed and the error is passed on.
  package func exec(
    _ command: ByteString,
    _ options: CommandOptions,
    until deadline: Deadline,
    output: (UnsafeRawBufferPointer, _ isError: Bool) throws -> Void
  ) throws -> CommandResult {
    let what = "exec(\"\(command.shortened)\")"
    return try perform("exec", [.text(command)]) { exchange in
      let message = try Request.exec(command, options)
      if let input = options.standardInput { try sendStandardInput(input, exchange, what, until: deadline) }
      var done: ExecDoneReply?
      try exchange.request(message, what: what, until: deadline) { code, payload in
        switch code {
        case .output:
          let piece = try OutputReply(payload)
          try output(piece.bytes, piece.isStandardError)
          return .more
        case .execDone:
          done = try ExecDoneReply(payload)
          return .done
        default: throw MessageExchange.UnexpectedReply()
        }
      }
      guard let done else { throw MessageExchange.UnexpectedReply() }
      if done.isStatusUnknown {
        throw GuestError.refused(
          Errno(ECHILD),
          message:
            "\(what): its exit status was taken by a wait of the script's own, or by ignoring SIGCHLD (ECHILD)"
        )
      }
      let result = CommandResult(
        status: done.status,
        timedOut: done.timedOut,
        isInterrupted: done.interrupted,
        outputHolder: done.outputHolder
      )
      return (result, .word(result.summary))
    }
  }

  private func sendStandardInput(
    _ bytes: [UInt8],
    _ exchange: MessageExchange,
    _ what: String,
    until deadline: Deadline
  ) throws {
    let pieceSize = 1 << 20
    try bytes.withUnsafeBytes { bytes in
      var rest = bytes
      while !rest.isEmpty {
        let piece = UnsafeRawBufferPointer(rebasing: rest.prefix(pieceSize))
        rest = UnsafeRawBufferPointer(rebasing: rest.dropFirst(piece.count))
        let message = try Request.bytes(.standardInput, count: piece.count)
        _ = try exchange.ask(message, tail: piece, .done, what: what, until: deadline) { try DoneReply($0) }
      }
    }
  }
}

extension Request {
  /// Encodes EXEC_FULL.
  static func exec(_ command: ByteString, _ options: CommandOptions) throws -> EncodedMessage {
    let writer = MessageWriter(.execFull, capacity: 64 + command.count)
    var flags: UInt32 = 0
    if options.standardInput != nil { flags |= PV_EXEC_STDIN.rawValue }
    if options.clearsEnvironment { flags |= PV_EXEC_CLEAR_ENV.rawValue }
    writer.integer(flags)
    writer.integer(options.timeout.map { wireMilliseconds($0) } ?? 0)
    try write(command, options, to: writer)
    return try writer.finish()
  }

  /// Encodes the directory, the environment and the command of EXEC_FULL and PROCESS_START.
  static func write(_ command: ByteString, _ options: CommandOptions, to writer: MessageWriter) throws {
    writer.counted(try (options.workingDirectory ?? "").checked(.workingDirectory))
    writer.integer(UInt32(clamping: options.variables.count))
    for (name, value) in options.variables.sorted(by: { $0.key < $1.key }) {
      if name.isEmpty || name.bytes.contains(UInt8(ascii: "=")) {
        throw InvalidArgument(.environment, "\"\(name)\" cannot be the name of a variable")
      }
      let variable = ByteString(
        try name.checked(.environment).bytes + [UInt8(ascii: "=")] + value.checked(.environment).bytes
      )
      writer.counted(variable)
    }
    writer.counted(try command.checked(.command))
  }
}

/// EXEC_DONE: `exit_code i32, signal i32, flags u32, holder_pid i32, holder name`.
struct ExecDoneReply {
  let status: ExitStatus
  let timedOut: Bool
  let interrupted: Bool
  /// The status was lost, and `status` means nothing: another wait of the guest has taken it.
  let isStatusUnknown: Bool
  let outputHolder: OutputHolder?

  init(_ payload: UnsafeRawBufferPointer) throws {
    var reader = MessageReader(payload)
    let exitCode: Int32 = try reader.integer(), signal: Int32 = try reader.integer()
    status = signal == 0 ? .exited(exitCode) : .signaled(Signal(rawValue: signal))
    let flags: UInt32 = try reader.integer()
    let pid: Int32 = try reader.integer()
    let name = String(decoding: try reader.bytes(min(reader.rest.count, 64)), as: UTF8.self)
    timedOut = flags & PV_DONE_TIMED_OUT.rawValue != 0
    interrupted = flags & PV_DONE_INTERRUPTED.rawValue != 0
    isStatusUnknown = flags & PV_DONE_STATUS_UNKNOWN.rawValue != 0
    outputHolder = flags & PV_DONE_OUTPUT_HELD.rawValue != 0 ? OutputHolder(pid: pid, name: name) : nil
  }
}
