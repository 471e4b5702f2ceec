import ProviumArchitecture
import Glibc
package import ProviumSystem

extension GuestSession {
  /// Runs `/bin/sh -c command` to its end. What the command does is a result; only the harness's own trouble throws.
  package func exec(
    _ command: ByteString,
    _ options: ExecOptions = ExecOptions(),
    until deadline: Deadline
  ) throws -> ExecResult {
    let output = BoundedOutput(limit: options.outputLimit, what: "exec(\"\(command.shortened)\")")
    var result = try exec(command, options, until: deadline) { try output.append($0, toError: $1) }
    result.stdout = output.stdout
    result.stderr = output.stderr
    return result
  }

  /// The same, whose output is handed on as it comes and is nowhere kept: `options.outputLimit` has no meaning, and the
  /// result's streams are empty. A command whose output is too much for `output` is held up until it has taken it.
  /// - Parameter output: pieces, valid during the call, and whether they are the standard error's. When it throws, the
  ///   command is killed and the error goes on.
  package func exec(
    _ command: ByteString,
    _ options: ExecOptions,
    until deadline: Deadline,
    output: (UnsafeRawBufferPointer, _ isError: Bool) throws -> Void
  ) throws -> ExecResult {
    let what = "exec(\"\(command.shortened)\")"
    return try perform("exec", [.text(command)]) { connection in
      let message = try Request.exec(command, options)
      if let stdin = options.stdin { try sendStandardInput(stdin, connection, what, until: deadline) }
      var done: ExecDoneReply?
      try connection.request(message, what: what, until: deadline) { code, payload in
        switch code {
        case .output:
          let piece = try OutputReply(payload)
          try output(piece.bytes, piece.isStandardError)
          return .more
        case .execDone:
          done = try ExecDoneReply(payload)
          return .done
        default: throw GuestConnection.UnexpectedReply()
        }
      }
      guard let done else { throw GuestConnection.UnexpectedReply() }
      if done.isStatusUnknown {
        throw GuestError.refused(
          Errno(ECHILD),
          message:
            "\(what): its exit status was taken by a wait of the script's own, or by ignoring SIGCHLD (ECHILD)"
        )
      }
      let result = ExecResult(
        exitCode: done.exitCode,
        signal: done.signal == 0 ? nil : done.signal,
        stdout: [],
        stderr: [],
        timedOut: done.timedOut,
        interrupted: done.interrupted,
        outputHeldBy: done.outputHeldBy
      )
      return (result, .word(result.summary))
    }
  }

  private func sendStandardInput(
    _ bytes: [UInt8],
    _ connection: GuestConnection,
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
        _ = try connection.ask(message, tail: piece, .done, what: what, until: deadline) { try DoneReply($0) }
      }
    }
  }

  // MARK: jobs

  /// Starts a command in the background.
  package func background(_ command: ByteString, until deadline: Deadline) throws -> GuestJob {
    try perform("background", [.text(command)]) { connection in
      let message = try Request.text(.execAsync, try command.checked("cmd"))
      let what = "background(\"\(command.shortened)\")"
      let job = try connection.ask(message, .jobStarted, what: what, until: deadline) { try GuestJob($0) }
      return (job, .word("job \(job.id)"))
    }
  }

  /// A job's result, or how far it has come. Can be asked again; the output always starts at its first byte.
  /// - Parameters:
  ///   - wait: for its end; nil only looks. The deadline must be later.
  ///   - kill: ends its whole process group first, and waits for that.
  package func collect(
    job id: UInt32,
    wait: Duration? = nil,
    kill: Bool = false,
    outputLimit: Int = 256 << 20,
    until deadline: Deadline
  ) throws -> JobResult {
    try perform(kill ? "job_kill" : "job_wait", [.integer(Int64(id))]) { connection in
      let message = try Request.collectJob(id, wait: wait ?? .zero, kill: kill)
      let output = BoundedOutput(limit: outputLimit, what: "job \(id)")
      var done: JobDoneReply?
      try connection.request(message, what: "job \(id)", until: deadline) { code, payload in
        switch code {
        case .output:
          let piece = try OutputReply(payload)
          try output.append(piece.bytes, toError: piece.isStandardError)
          return .more
        case .jobDone:
          done = try JobDoneReply(payload)
          return .done
        default: throw GuestConnection.UnexpectedReply()
        }
      }
      guard let done else { throw GuestConnection.UnexpectedReply() }
      let result = JobResult(
        isRunning: done.isRunning,
        exitCode: done.exitCode,
        signal: done.signal == 0 ? nil : done.signal,
        stdout: output.stdout,
        stderr: output.stderr,
        isTruncated: done.isTruncated
      )
      return (result, .word(done.isRunning ? "running" : "exit \(done.exitCode)"))
    }
  }
}

extension ExecResult {
  /// `exit 0`, `killed by signal 9`, `timed out`.
  fileprivate var summary: String {
    if timedOut { return "timed out" }
    return signal.map { "killed by \(SignalName.name($0))" } ?? "exit \(exitCode)"
  }
}

extension ByteString {
  /// For messages: the first line's beginning.
  var shortened: String {
    let line = bytes.prefix { $0 != UInt8(ascii: "\n") }.prefix(60)
    return String(decoding: line, as: UTF8.self) + (line.count < bytes.count ? "..." : "")
  }
}
