package import ProviumAgentClient
package import ProviumSystem

/// A process in the guest whose streams are read and written while it runs. Belongs to its scope's thread.
///
/// It belongs to the boot in which it was started, like a job, and runs on in the states that continue that one. What was
/// read from it is kept here until it is used; what was not read stays in the guest, where it stops the process when its pipe is
/// full.
package final class LiveProcess {
  package let job: GuestJob
  /// The beginning of the command, for messages.
  package let name: String
  package let hasTerminal: Bool
  package let output = StreamBuffer()
  package let errors = StreamBuffer()
  /// How it ended; nil while it runs, as far as is known here.
  package private(set) var status: ExitStatus?

  private let machine: Machine
  private let worker: Worker?
  private let epoch: Int
  /// The epoch in which the buffers were filled.
  private var bufferEpoch: Int
  private var isForgotten = false

  /// Bytes of both streams that are kept before they are used.
  private static let limit = 64 << 20
  private static let readSize = 1 << 20
  /// Bytes of one request that waits for the end. The guest is idle from the end of a request to the next.
  private static let followSize = 16 << 20
  /// The longest wait of one request: the agent's connection serves others in between.
  private static let slice = Duration.seconds(5)
  /// How long output of other processes is awaited after the exit.
  private static let drain = Duration.milliseconds(50)

  /// Starts `/bin/sh -c command` in the VM or in one of its workers.
  package init(
    _ command: ByteString,
    _ options: CommandOptions,
    terminal: TerminalSize?,
    on machine: Machine,
    worker: Worker?
  ) throws {
    let name = String(decoding: command.bytes.prefix(60), as: UTF8.self)
    job = try Self.perform("start \(name)", machine, worker, allowance: .zero) {
      try $0.startProcess(command, options, terminal: terminal, until: $1)
    }
    self.name = name
    hasTerminal = terminal != nil
    self.machine = machine
    self.worker = worker
    epoch = machine.lineage.epoch
    bufferEpoch = epoch
  }

  // MARK: Reading

  /// Reads into the buffers. Blocks until something has come, the process or its streams have ended, or `deadline`.
  /// - Parameter follow: continues after the first bytes as long as more come at once.
  package func read(until deadline: Deadline, follow: Bool = false) throws {
    guard output.count + errors.count < Self.limit else {
      throw ProviumError(
        .refused,
        "process '\(name)' has written \(Quantity.text(bytes: UInt64(Self.limit))) that were not used: read it in parts"
      )
    }
    let areEnded = output.isEnded && errors.isEnded
    if areEnded && status != nil { return }
    let wait = min(deadline.remaining, status == nil ? Self.slice : Self.drain)
    var count = 0
    let state = try perform("reading from \(name)", allowance: wait) { connection, limit in
      try connection.readProcess(
        job.id,
        areEnded ? [] : .all,
        follow: follow,
        limit: areEnded ? 0 : follow ? Self.followSize : Self.readSize,
        wait: wait,
        until: limit
      ) { bytes, isError in
        count += bytes.count
        (isError ? errors : output).append(bytes)
      }
    }
    status = state.status
    // Another process may hold a stream open for ever.
    let isOver = state.status != nil && count == 0
    output.isEnded = !state.isOutputOpen || isOver
    errors.isEnded = !state.isErrorOpen || isOver
  }

  /// Reads until the process has ended and everything that it wrote is in the buffers.
  /// - Returns: nil if `deadline` came first.
  package func wait(until deadline: Deadline) throws -> ExitStatus? {
    while true {
      try read(until: deadline, follow: true)
      if let status, output.isEnded, errors.isEnded { return status }
      if deadline.isExpired { return nil }
    }
  }

  // MARK: Writing

  /// Writes to the standard input. While the process does not take the bytes, its output is read into the buffers, so that it
  /// is not stopped by a full pipe.
  /// - Parameter close: closes the input after them; of a terminal, sends Ctrl-D.
  /// - Returns: whether all bytes were taken before `deadline`.
  package func write(_ bytes: [UInt8], close: Bool = false, until deadline: Deadline) throws -> Bool {
    var rest = (hasTerminal && close ? bytes + [4] : bytes)[...]
    let mustClose = close && !hasTerminal
    while true {
      let wait = min(deadline.remaining, Duration.milliseconds(50))
      let piece = rest.prefix(Self.readSize)
      let isLast = piece.count == rest.count
      let count = try perform("writing to \(name)", allowance: wait) { connection, limit in
        try piece.withUnsafeBytes {
          try connection.writeProcess(job.id, $0, close: mustClose && isLast, wait: wait, until: limit)
        }
      }
      rest = rest.dropFirst(count)
      if rest.isEmpty { return true }
      if deadline.isExpired { return false }
      if count == 0 { try read(until: .after(.zero)) }
    }
  }

  // MARK: Signals, size, end

  package func signal(_ number: Int32) throws {
    try perform("signal \(number) to \(name)", allowance: .zero) {
      try $0.signalProcess(job.id, number, until: $1)
    }
  }

  package func resize(to size: TerminalSize) throws {
    try perform("resizing \(name)", allowance: .zero) { try $0.resizeProcess(job.id, to: size, until: $1) }
  }

  /// Looks whether the process has ended. Does not wait.
  package func isRunning() throws -> Bool {
    guard status == nil else { return false }
    let state = try perform("looking at \(name)", allowance: .zero) {
      try $0.readProcess(job.id, [], limit: 0, wait: .zero, until: $1) { _, _ in }
    }
    status = state.status
    return status == nil
  }

  /// Kills the process group and gives the process's place in the guest back. Idempotent. What is in the buffers stays.
  package func end() throws {
    guard !isForgotten else { return }
    try perform("ending \(name)", allowance: .zero) { try $0.endProcess(job.id, until: $1) }
    isForgotten = true
    status = status ?? .signaled(.kill)
    output.isEnded = true
    errors.isEnded = true
  }

  private func perform<Value>(
    _ what: String,
    allowance: Duration,
    _ operation: (AgentConnection, Deadline) throws -> Value
  ) throws -> Value {
    guard !isForgotten else { throw ProviumError(.invalidUse, "process '\(name)' was killed by the script") }
    try refresh()
    return try Self.perform(what, machine, worker, allowance: allowance, operation)
  }

  /// Drops what is in the buffers if the VM has gone back to a snapshot.
  /// - Throws: `ProviumError` with `.invalidUse` if the process is not part of the VM's present state.
  package func refresh() throws {
    guard machine.lineage.contains(epoch) else {
      throw ProviumError(
        .invalidUse,
        "process '\(name)' belonged to an earlier boot of the machine, or to a state that was left"
      )
    }
    if !machine.lineage.contains(bufferEpoch) {
      // A restore: what came after the snapshot will come again, and what came before it cannot be told apart.
      output.removeAll()
      errors.removeAll()
      status = nil
    }
    bufferEpoch = machine.lineage.epoch
  }

  private static func perform<Value>(
    _ what: String,
    _ machine: Machine,
    _ worker: Worker?,
    allowance: Duration,
    _ operation: (AgentConnection, Deadline) throws -> Value
  ) throws -> Value {
    guard let worker else { return try machine.perform(what, allowance: allowance, operation) }
    return try machine.perform(what, on: worker, allowance: allowance, operation)
  }
}
