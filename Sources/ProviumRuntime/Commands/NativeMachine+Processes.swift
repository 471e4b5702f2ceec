package import ProviumAgentClient
package import ProviumSystem

/// The output of a process since it was read last, and whether the process has ended.
package struct ProcessOutput: Sendable {
  package var output: [UInt8]
  package var errors: [UInt8]
  /// Nothing more will come on the stream.
  package var isOutputEnded: Bool
  package var areErrorsEnded: Bool
  /// How the process ended; nil while it runs.
  package var status: ExitStatus?
}

/// Processes with live streams. They are known by the pid of their shell.
extension NativeMachine {
  /// Starts `/bin/sh -c command` in the VM, or in the worker with that pid.
  /// - Returns: the pid of the shell.
  package func start(
    _ command: String,
    _ options: CommandOptions,
    terminal: TerminalSize?,
    worker: Int32?
  ) throws -> Int32 {
    let process = try LiveProcess(
      ByteString(command),
      options,
      terminal: terminal,
      on: try present(),
      worker: try worker.map(known)
    )
    processes[process.job.pid] = process
    return process.job.pid
  }

  /// Takes what the process has written. Blocks until something has come, the process has ended, or `wait` is over.
  package func read(process pid: Int32, wait: Duration) throws -> ProcessOutput {
    let process = try process(pid)
    try process.refresh()
    if process.output.isEmpty, process.errors.isEmpty { try process.read(until: .after(wait)) }
    return ProcessOutput(
      output: process.output.take(),
      errors: process.errors.take(),
      isOutputEnded: process.output.isEnded,
      areErrorsEnded: process.errors.isEnded,
      status: process.status
    )
  }

  /// Writes to the standard input of the process.
  /// - Parameter close: closes the input after the bytes; of a terminal, sends Ctrl-D.
  /// - Returns: whether the process took all bytes within `limit`, which the timeout multiplier lengthens.
  package func write(process pid: Int32, _ bytes: [UInt8], close: Bool, limit: Duration) throws -> Bool {
    let process = try process(pid)
    return try process.write(bytes, close: close, until: .after(limit * timeoutMultiplier))
  }

  package func signal(process pid: Int32, _ number: Int32) throws { try process(pid).signal(number) }

  package func resize(process pid: Int32, to size: TerminalSize) throws { try process(pid).resize(to: size) }

  /// Kills the process group. Idempotent, also after the end of the VM.
  package func end(process pid: Int32) throws {
    guard let process = processes.removeValue(forKey: pid) else { return }
    try process.end()
  }

  private func process(_ pid: Int32) throws -> LiveProcess {
    guard let process = processes[pid] else {
      throw ProviumError(.invalidUse, "the process with pid \(pid) was ended: its scope is over")
    }
    return process
  }
}
