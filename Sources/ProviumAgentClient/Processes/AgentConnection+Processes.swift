internal import CProviumWire
package import ProviumSystem

/// Processes whose streams the host reads and writes while they run. A process is a job: it belongs to the agent or worker that
/// started it, and its number is a job's.
extension AgentConnection {
  /// Starts `/bin/sh -c command` with pipes as its standard streams, or on a new pseudo-terminal.
  /// - Parameter options: its variables and directory; the rest is not used.
  package func startProcess(
    _ command: ByteString,
    _ options: CommandOptions = CommandOptions(),
    terminal: TerminalSize? = nil,
    until deadline: Deadline
  ) throws -> GuestJob {
    try perform("start", [.text(command)]) { exchange in
      let message = try Request.startProcess(command, options, terminal)
      let what = "start(\"\(command.shortened)\")"
      let job = try exchange.ask(message, .jobStarted, what: what, until: deadline) { try GuestJob($0) }
      return (job, .word("process \(job.id)"))
    }
  }

  /// Reads what the process has written. Blocks until there is something, until the process or its streams have ended, or until
  /// the time is over; an `interrupt` ends the wait too. What is not read stays in the guest and stops the process when its
  /// pipe is full.
  /// - Parameters:
  ///   - streams: an empty set waits for the end of the process.
  ///   - follow: goes on after the first bytes, until `limit` or the end of the wait. Output is passed on as it comes.
  ///   - limit: bytes of all streams, at least 1. The guest is idle from the end of a request to the next, so a small limit makes
  ///     a long output slow.
  ///   - wait: must end before the deadline; nil waits without limit.
  ///   - output: receives a piece, which is valid during the call, and whether it is from the standard error.
  package func readProcess(
    _ id: UInt32,
    _ streams: ProcessStreams = .all,
    follow: Bool = false,
    limit: Int = 16 << 20,
    wait: Duration?,
    until deadline: Deadline,
    output: (UnsafeRawBufferPointer, _ isError: Bool) throws -> Void
  ) throws -> ProcessState {
    try perform("process_read", [.integer(Int64(id))]) { exchange in
      let message = try Request.readProcess(id, streams, follow: follow, limit: limit, wait: wait)
      var (state, count) = (ProcessState?.none, 0)
      try exchange.request(message, what: "read of process \(id)", until: deadline) { code, payload in
        switch code {
        case .output:
          let piece = try OutputReply(payload)
          count += piece.bytes.count
          // A hostile guest must not send more than was asked for.
          guard count <= limit else { throw MessageExchange.UnexpectedReply() }
          try output(piece.bytes, piece.isStandardError)
          return .more
        case .processState:
          state = try ProcessState(payload)
          return .done
        default: throw MessageExchange.UnexpectedReply()
        }
      }
      guard let state else { throw MessageExchange.UnexpectedReply() }
      return (state, .bytes(count))
    }
  }

  /// Writes to the standard input of the process. Returns how many bytes it took within the time.
  /// - Parameters:
  ///   - close: closes the standard input if all bytes were taken. A terminal refuses it.
  ///   - wait: how long to wait for room; must end before the deadline.
  /// - Throws: `GuestError.refused` with EPIPE if the process has closed its input or has ended.
  package func writeProcess(
    _ id: UInt32,
    _ bytes: UnsafeRawBufferPointer,
    close: Bool = false,
    wait: Duration,
    until deadline: Deadline
  ) throws -> Int {
    try perform("process_write", [.integer(Int64(id)), .output(count: bytes.count)]) { exchange in
      let message = try Request.writeProcess(id, count: bytes.count, close: close, wait: wait)
      let what = "write to process \(id)"
      let done = try exchange.ask(message, tail: bytes, .done, what: what, until: deadline) {
        try DoneReply($0)
      }
      guard let count = Int(exactly: done.value), (0...bytes.count).contains(count) else {
        throw GuestError.tooLarge(
          "\(what): the agent says that it wrote \(done.value) of \(bytes.count) bytes"
        )
      }
      return (count, .integer(Int64(count)))
    }
  }

  /// Sends a signal to the process group of the process; those that the keys of a terminal send (SIGINT, SIGQUIT, SIGTSTP) go
  /// to the foreground of its terminal. Does nothing after its end.
  package func signalProcess(_ id: UInt32, _ signal: Int32, until deadline: Deadline) throws {
    try perform("process_signal", [.integer(Int64(id)), .integer(Int64(signal))]) { exchange in
      let message = try Request.processWords(.processSignal, id, UInt32(bitPattern: signal))
      try done(message, "signal to process \(id)", exchange, until: deadline)
      return ((), .nothing)
    }
  }

  /// Sets the size of the terminal of the process.
  package func resizeProcess(_ id: UInt32, to size: TerminalSize, until deadline: Deadline) throws {
    try perform("process_resize", [.integer(Int64(id))]) { exchange in
      let message = try Request.processWords(
        .processResize,
        id,
        UInt32(size.columns) | UInt32(size.rows) << 16
      )
      try done(message, "resize of process \(id)", exchange, until: deadline)
      return ((), .nothing)
    }
  }

  /// Kills the process group, closes the streams and forgets the process. Output that was not read is lost.
  package func endProcess(_ id: UInt32, until deadline: Deadline) throws {
    try perform("process_end", [.integer(Int64(id))]) { exchange in
      let message = try Request.processWords(.processEnd, id, nil)
      try done(message, "end of process \(id)", exchange, until: deadline)
      return ((), .nothing)
    }
  }
}

extension Request {
  /// Encodes PROCESS_START.
  static func startProcess(_ command: ByteString, _ options: CommandOptions, _ terminal: TerminalSize?) throws
    -> EncodedMessage
  {
    let writer = MessageWriter(.processStart, capacity: 64 + command.count)
    var flags: UInt32 = 0
    if terminal != nil { flags |= PV_PROCESS_TERMINAL.rawValue }
    if options.clearsEnvironment { flags |= PV_PROCESS_CLEAR_ENV.rawValue }
    writer.integer(flags)
    writer.integer(terminal?.columns ?? 0)
    writer.integer(terminal?.rows ?? 0)
    try write(command, options, to: writer)
    return try writer.finish()
  }

  /// Encodes PROCESS_READ. No wait is `UInt32.max`.
  static func readProcess(
    _ id: UInt32,
    _ streams: ProcessStreams,
    follow: Bool,
    limit: Int,
    wait: Duration?
  ) throws -> EncodedMessage {
    let writer = MessageWriter(.processRead)
    writer.integer(id)
    writer.integer(streams.rawValue)
    writer.integer(follow ? PV_PROCESS_FOLLOW.rawValue : UInt32(0))
    writer.integer(UInt32(clamping: limit))
    writer.integer(wait.map { $0 > .zero ? wireMilliseconds($0) : 0 } ?? UInt32.max)
    return try writer.finish()
  }

  /// Encodes PROCESS_WRITE. The data are the tail.
  static func writeProcess(_ id: UInt32, count: Int, close: Bool, wait: Duration) throws -> EncodedMessage {
    let writer = MessageWriter(.processWrite)
    writer.integer(id)
    writer.integer(close ? PV_PROCESS_CLOSE.rawValue : UInt32(0))
    writer.integer(wait > .zero ? wireMilliseconds(wait) : 0)
    return try writer.finish(tail: count)
  }

  /// Encodes PROCESS_SIGNAL (the signal), PROCESS_RESIZE (columns u16, rows u16) or PROCESS_END (no word).
  static func processWords(_ code: MessageCode, _ id: UInt32, _ word: UInt32?) throws -> EncodedMessage {
    let writer = MessageWriter(code)
    writer.integer(id)
    if let word { writer.integer(word) }
    return try writer.finish()
  }
}
