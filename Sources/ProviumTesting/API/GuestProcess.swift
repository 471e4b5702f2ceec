import ProviumAgentClient
import ProviumRuntime
import ProviumSystem
import Synchronization

/// A process in a guest whose streams are read and written while it runs: see
/// ``Guest/withProcess(_:environment:directory:terminal:_:)``.
///
/// Output stays in the guest until it is read. A process whose output is not read stops when its pipe is full. The functions that read are meant for one task at a time.
public final class GuestProcess: Sendable {
  /// The pid of the shell in the guest. The shell leads the process group of the command.
  public let pid: Int32
  private let name: String
  private let target: OperationTarget
  private let streams = Mutex(Streams())

  /// The output that was read and not used yet.
  private struct Streams {
    var output: [UInt8] = []
    var errors: [UInt8] = []
    var isOutputEnded = false
    var areErrorsEnded = false
    var status: ExitStatus?
  }

  /// The time that a wait occupies the VM's thread, on which all operations of the VM run one after the
  /// other.
  private static let slice = Duration.milliseconds(100)
  /// Bytes of both streams that are kept before they are used.
  private static let unreadLimit = 64 << 20

  init(pid: Int32, name: String, target: OperationTarget) {
    self.pid = pid
    self.name = name
    self.target = target
  }

  // MARK: Output

  /// Returns what the process has written to its standard output since the last call. Waits until there is
  /// something.
  /// - Parameter limit: the longest time to wait, before the timeout multiplier.
  /// - Returns: at least one byte; nil at the end of the output.
  /// - Throws: ``ProviumError``, with the code `timeout` if nothing came within `limit`.
  public func read(atMost limit: Duration = .seconds(30)) async throws(ProviumError) -> [UInt8]? {
    try await take(within: limit, "wrote nothing") { streams in
      defer { streams.output = [] }
      return streams.output.isEmpty ? nil : streams.output
    }
  }

  /// Returns what the process has written to its standard error since the last call. Does not wait.
  /// - Throws: ``ProviumError``.
  public func readErrors() async throws(ProviumError) -> [UInt8] {
    try await fill(wait: .zero)
    return streams.withLock { streams in
      defer { streams.errors = [] }
      return streams.errors
    }
  }

  /// Reads the standard output up to and including a text.
  /// - Parameters:
  ///   - text: the text to wait for.
  ///   - limit: the longest time to wait, before the timeout multiplier.
  /// - Returns: everything up to the end of the text.
  /// - Throws: ``ProviumError``, with the code `timeout` if the text did not come within `limit`, or with the
  ///   code `refused` if the output ended. The message shows what came instead.
  @discardableResult
  public func read(until text: String, atMost limit: Duration = .seconds(30)) async throws(ProviumError)
    -> String
  {
    let wanted = Array(text.utf8)
    let found = try await take(within: limit, "did not write \"\(text)\"") { streams -> String? in
      guard let end = streams.output.firstRange(of: wanted)?.upperBound else { return nil }
      defer { streams.output.removeFirst(end) }
      return String(decoding: streams.output[..<end], as: UTF8.self)
    }
    guard let found else { throw ended(before: "\"\(text)\"") }
    return found
  }

  /// Reads the standard output up to the end of the first match of a regular expression.
  ///
  /// ```swift
  /// try await vm.withProcess("echo 'listening on port 80'; sleep 100") { process in
  ///   let match = try await process.expect(/listening on port (\d+)/)
  ///   #expect(match.1 == "80")
  /// }
  /// ```
  ///
  /// - Parameters:
  ///   - expression: the expression. Bytes that are not UTF-8 are question marks for it.
  ///   - limit: the longest time to wait, before the timeout multiplier.
  /// - Returns: the match.
  /// - Throws: ``ProviumError``, with the code `timeout` if nothing matched within `limit`, or with the code
  ///   `refused` if the output ended. The message shows what came instead.
  @discardableResult
  public nonisolated(nonsending) func expect<Output>(
    _ expression: Regex<Output>,
    atMost limit: Duration = .seconds(30)
  ) async throws(ProviumError) -> Regex<Output>.Match {
    var waited = Duration.zero
    while true {
      let text = streams.withLock { Self.text($0.output) }
      if let match = text.firstMatch(of: expression) {
        let end = text.utf8.distance(from: text.startIndex, to: match.range.upperBound)
        streams.withLock { $0.output.removeFirst(end) }
        return match
      }
      if streams.withLock({ $0.isOutputEnded }) { throw ended(before: "a match of the expression") }
      try await wait(&waited, limit, "wrote nothing that matches")
    }
  }

  /// The lines of the standard output, without their line feeds, until its end. Each line may be awaited for
  /// 30 seconds, before the timeout multiplier.
  ///
  /// ```swift
  /// try await vm.withProcess("seq 3") { process in
  ///   var sum = 0
  ///   for try await line in process.lines { sum += Int(line) ?? 0 }
  ///   #expect(sum == 6)
  /// }
  /// ```
  public var lines: Lines { Lines(process: self) }

  /// The lines of a process's output: see ``GuestProcess/lines``.
  public struct Lines: AsyncSequence, Sendable {
    let process: GuestProcess

    /// Creates an iterator. All iterators of one process take lines from the same stream.
    public func makeAsyncIterator() -> Iterator { Iterator(process: process) }

    /// Reads one line after the other.
    public struct Iterator: AsyncIteratorProtocol {
      let process: GuestProcess

      /// Waits for the next line; nil at the end of the output.
      /// - Throws: ``ProviumError``.
      public mutating func next() async throws(ProviumError) -> String? { try await process.readLine() }
    }
  }

  /// Reads one line of the standard output.
  /// - Parameter limit: the longest time to wait, before the timeout multiplier.
  /// - Returns: the line without its line feed; nil at the end of the output.
  /// - Throws: ``ProviumError``, with the code `timeout` if no line was complete within `limit`.
  public func readLine(atMost limit: Duration = .seconds(30)) async throws(ProviumError) -> String? {
    try await take(within: limit, "did not complete a line") { streams in
      if let end = streams.output.firstIndex(of: UInt8(ascii: "\n")) {
        defer { streams.output.removeFirst(end + 1) }
        return String(decoding: streams.output[..<end], as: UTF8.self)
      }
      guard streams.isOutputEnded, !streams.output.isEmpty else { return nil }
      defer { streams.output = [] }
      return String(decoding: streams.output, as: UTF8.self)
    }
  }

  // MARK: Input, signals, end

  /// Writes to the standard input. Waits until the process has taken everything.
  /// - Parameters:
  ///   - text: the text, in UTF-8.
  ///   - limit: the longest time to wait, before the timeout multiplier.
  /// - Throws: ``ProviumError``, with the code `timeout` if the process did not read its input, and with the
  ///   code `refused` if its input is closed.
  public func write(_ text: String, atMost limit: Duration = .seconds(30)) async throws(ProviumError) {
    try await write(Array(text.utf8), atMost: limit)
  }

  /// Writes bytes to the standard input: see ``write(_:atMost:)-(String,_)``.
  public func write(_ bytes: [UInt8], atMost limit: Duration = .seconds(30)) async throws(ProviumError) {
    try await write(bytes, close: false, limit)
  }

  /// Closes the standard input; of a process with a terminal, sends Ctrl-D.
  /// - Throws: ``ProviumError``.
  public func closeInput() async throws(ProviumError) { try await write([], close: true, .seconds(30)) }

  private func write(_ bytes: [UInt8], close: Bool, _ limit: Duration) async throws(ProviumError) {
    let isTaken = try await perform { try $0.write(process: $1, bytes, close: close, limit: limit) }
    guard isTaken else {
      throw ProviumError(
        .timeout,
        "\(name) did not read its \(bytes.count) bytes of input within \(Quantity.text(limit))"
      )
    }
  }

  /// Sends a signal to the process group.
  /// - Throws: ``ProviumError``.
  public func send(_ signal: Signal) async throws(ProviumError) {
    try await perform { try $0.signal(process: $1, signal.rawValue) }
  }

  /// Changes the size of the process's terminal. The process gets `SIGWINCH`.
  /// - Throws: ``ProviumError`` if the process has no terminal.
  public func resize(to size: TerminalSize) async throws(ProviumError) {
    try await perform { try $0.resize(process: $1, to: size) }
  }

  /// Waits until the process has ended.
  /// - Parameter limit: the longest time to wait, before the timeout multiplier.
  /// - Returns: how it ended, and the output that was not read before.
  /// - Throws: ``ProviumError``, with the code `timeout` if the process still runs after `limit`.
  @discardableResult
  public func wait(atMost limit: Duration = .seconds(30)) async throws(ProviumError) -> CommandResult {
    var waited = Duration.zero
    while true {
      let result = streams.withLock { streams -> CommandResult? in
        guard let status = streams.status, streams.isOutputEnded, streams.areErrorsEnded else { return nil }
        defer { (streams.output, streams.errors) = ([], []) }
        return CommandResult(
          status: status,
          standardOutput: CommandOutput(streams.output),
          standardError: CommandOutput(streams.errors)
        )
      }
      if let result { return result }
      try await wait(&waited, limit, "still runs")
    }
  }

  /// Kills the process group. Idempotent. The end of the process's scope does the same.
  func end() async throws(ProviumError) { try await perform { try $0.end(process: $1) } }

  // MARK: Waiting

  /// Reads until `body` finds what it looks for.
  /// - Returns: nil at the end of the output.
  private func take<Value: Sendable>(
    within limit: Duration,
    _ failure: String,
    _ body: @Sendable (inout Streams) -> Value?
  ) async throws(ProviumError) -> Value? {
    var waited = Duration.zero
    while true {
      let (value, isOver) = streams.withLock { streams -> (Value?, Bool) in
        (body(&streams), streams.isOutputEnded)
      }
      if value != nil || isOver { return value }
      try await wait(&waited, limit, failure)
    }
  }

  /// Reads for one slice of time.
  /// - Parameter waited: the sum of the slices. Time that the host needed for other things does not count.
  private func wait(_ waited: inout Duration, _ limit: Duration, _ failure: String) async throws(ProviumError)
  {
    let multiplier = try await perform { machine, _ in machine.timeoutMultiplier }
    guard waited < limit * multiplier else {
      throw ProviumError(.timeout, "\(name) \(failure) within \(Quantity.text(limit))\(outputSoFar)")
    }
    let count = streams.withLock { $0.output.count + $0.errors.count }
    guard count < Self.unreadLimit else {
      throw ProviumError(
        .refused,
        "\(name) has written \(Quantity.text(bytes: UInt64(count))) that were not used: read it in parts"
      )
    }
    if try await !fill(wait: Self.slice) { waited += Self.slice }
  }

  /// Takes over what the process has written.
  /// - Returns: whether anything changed.
  @discardableResult
  private func fill(wait: Duration) async throws(ProviumError) -> Bool {
    let chunk = try await perform { try $0.read(process: $1, wait: wait) }
    return streams.withLock { streams in
      let isNew = !chunk.output.isEmpty || !chunk.errors.isEmpty || chunk.status != streams.status
      streams.output += chunk.output
      streams.errors += chunk.errors
      streams.isOutputEnded = chunk.isOutputEnded
      streams.areErrorsEnded = chunk.areErrorsEnded
      streams.status = chunk.status
      return isNew
    }
  }

  private func perform<Value: Sendable>(
    _ body: @escaping @Sendable (NativeMachine, Int32) throws -> Value
  ) async throws(ProviumError) -> Value {
    let pid = pid
    return try await target.thread.run { try body($0, pid) }
  }

  // MARK: Messages

  private func ended(before what: String) -> ProviumError {
    ProviumError(.refused, "the output of \(name) ended before \(what)\(outputSoFar)")
  }

  private var outputSoFar: String {
    let tail = streams.withLock { Self.text($0.output.suffix(2000)) }
    return tail.isEmpty ? "; it wrote nothing else" : "; it wrote:\n\(tail)"
  }

  /// Text of the same length in bytes: each byte that is not UTF-8 becomes a question mark.
  private static func text(_ bytes: some Sequence<UInt8>) -> String {
    var text: [UInt8] = []
    var parser = Unicode.UTF8.ForwardParser()
    var input = bytes.makeIterator()
    while true {
      switch parser.parseScalar(from: &input) {
      case .valid(let scalar): text += scalar
      case .error(let length): text += repeatElement(UInt8(ascii: "?"), count: length)
      case .emptyInput: return String(decoding: text, as: UTF8.self)
      }
    }
  }
}

extension Guest {
  /// Starts `/bin/sh -c command` in the guest, runs `body` with the process, and ends the process.
  ///
  /// ```swift
  /// try await vm.withProcess("cat") { process in
  ///   try await process.write("hello\n")
  ///   #expect(try await process.readLine() == "hello")
  ///   try await process.closeInput()
  ///   #expect(try await process.wait().exitCode == 0)
  /// }
  /// ```
  ///
  /// - Parameters:
  ///   - command: a line for the guest's shell.
  ///   - environment: variables in addition to those of the agent.
  ///   - directory: the working directory, a path in the guest; nil: `/`.
  ///   - terminal: gives the process a controlling terminal of that size; nil: pipes.
  ///   - body: uses the process. When it returns or throws, the process group is killed.
  /// - Returns: the value of `body`.
  /// - Throws: ``ProviumError`` if the process cannot be started; the error of `body`.
  public final nonisolated(nonsending) func withProcess<Result>(
    _ command: String,
    environment: [String: String] = [:],
    directory: String? = nil,
    terminal: TerminalSize? = nil,
    _ body: nonisolated(nonsending) (GuestProcess) async throws -> Result
  ) async throws -> Result {
    var variables = environment
    if terminal != nil, variables["TERM"] == nil { variables["TERM"] = "xterm" }
    let options = CommandOptions(environment: variables, directory: directory)
    let worker = target.worker
    let pid = try await target.thread.run {
      try $0.start(command, options, terminal: terminal, worker: worker)
    }
    let process = GuestProcess(pid: pid, name: "'\(command.prefix(60))'", target: target)
    let result: Result
    do { result = try await body(process) } catch {
      // The error of the body is the one that matters; a VM that has ended has no processes.
      try? await process.end()
      throw error
    }
    try await process.end()
    return result
  }
}
