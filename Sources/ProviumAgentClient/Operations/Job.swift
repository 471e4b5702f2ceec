internal import CProviumWire
package import ProviumSystem

extension AgentConnection {
  /// Starts `/bin/sh -c command` in the background.
  package func background(_ command: ByteString, until deadline: Deadline) throws -> GuestJob {
    try perform("background", [.text(command)]) { exchange in
      let message = try Request.text(.execAsync, try command.checked(.command))
      let what = "background(\"\(command.shortened)\")"
      let job = try exchange.ask(message, .jobStarted, what: what, until: deadline) { try GuestJob($0) }
      return (job, .word("job \(job.id)"))
    }
  }

  /// Returns the state and the output of a job. It can be called again; the output always starts at its first
  /// byte.
  /// - Parameters:
  ///   - wait: how long to wait for the end of the job; nil: do not wait. The deadline must be later.
  ///   - kill: kills the whole process group first, and waits until it has ended.
  package func collect(
    job id: UInt32,
    wait: Duration? = nil,
    kill: Bool = false,
    outputLimit: Int = 256 << 20,
    until deadline: Deadline
  ) throws -> JobResult {
    try perform(kill ? "job_kill" : "job_wait", [.integer(Int64(id))]) { exchange in
      let message = try Request.collectJob(id, wait: wait ?? .zero, kill: kill)
      let output = BoundedOutput(limit: outputLimit, what: "job \(id)")
      var done: JobDoneReply?
      try exchange.request(message, what: "job \(id)", until: deadline) { code, payload in
        switch code {
        case .output:
          let piece = try OutputReply(payload)
          try output.append(piece.bytes, toError: piece.isStandardError)
          return .more
        case .jobDone:
          done = try JobDoneReply(payload)
          return .done
        default: throw MessageExchange.UnexpectedReply()
        }
      }
      guard let done else { throw MessageExchange.UnexpectedReply() }
      let result = JobResult(
        status: done.status,
        standardOutput: CommandOutput(output.stdout),
        standardError: CommandOutput(output.stderr),
        isTruncated: done.isTruncated
      )
      return (result, .word(result.status.map { "exit \($0.shellCode)" } ?? "running"))
    }
  }
}

extension Request {
  /// Encodes JOB_COLLECT.
  static func collectJob(_ id: UInt32, wait: Duration, kill: Bool) throws -> EncodedMessage {
    let writer = MessageWriter(.jobCollect)
    writer.integer(id)
    writer.integer(wait > .zero ? wireMilliseconds(wait) : 0)
    writer.integer(kill ? PV_COLLECT_KILL.rawValue : UInt32(0))
    return try writer.finish()
  }
}

/// JOB_DONE: `running u8, exit_code i32, signal i32, flags u32`.
struct JobDoneReply {
  /// nil while the job runs.
  let status: ExitStatus?
  /// The agent has dropped output beyond what it keeps.
  let isTruncated: Bool

  init(_ payload: UnsafeRawBufferPointer) throws {
    var reader = MessageReader(payload)
    let isRunning = try reader.integer(UInt8.self) != 0
    let exitCode: Int32 = try reader.integer(), signal: Int32 = try reader.integer()
    status = isRunning ? nil : signal == 0 ? .exited(exitCode) : .signaled(Signal(rawValue: signal))
    isTruncated = try reader.integer(UInt32.self) & PV_JOB_TRUNCATED.rawValue != 0
    try reader.finish()
  }
}
