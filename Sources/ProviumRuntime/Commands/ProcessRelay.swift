import Glibc
import ProviumAgentClient
import ProviumSystem

/// Connects the host's standard streams with a process in the guest, in both directions at once: `provium run`, `provium shell`.
///
/// One thread runs `run`. Another one reads the host's input and, for each piece, ends the wait of the first, because the
/// agent's connection carries one request at a time. Bytes that the guest does not take, or the host does not print, stop the
/// side that they come from.
final class ProcessRelay: Sendable {
  private struct State {
    var input: [UInt8] = []
    var isInputEnded = false
    /// The process takes no more input.
    var isInputRefused = false
    var size: TerminalSize?
    var mustLeave = false
    /// The number of the request that waits for output and may be interrupted; 0: none.
    var reading: UInt32 = 0
  }
  private let state = Monitor(State())
  private let connection: AgentConnection
  private let job: GuestJob
  private let hasTerminal: Bool

  private static let piece = 64 << 10
  /// Bytes of input that are read before the process takes them.
  private static let inputLimit = 1 << 20
  /// Bytes of output of one request. They are passed on as they come; the guest is idle from the end of a request to the next.
  private static let outputSize = 16 << 20
  /// How long a process that does not take its input is asked for output before it is given input again.
  private static let pause = Duration.milliseconds(10)
  /// How long output of other processes is awaited after the exit.
  private static let drain = Duration.milliseconds(50)
  private static let interruptLimit = Duration.seconds(10)

  init(_ job: GuestJob, hasTerminal: Bool, on connection: AgentConnection) {
    self.job = job
    self.hasTerminal = hasTerminal
    self.connection = connection
  }

  // MARK: Any thread

  /// Copies from `descriptor` until its end, on a thread of its own, which ends with the process at the latest.
  /// - Parameter escape: a byte that ends the relay and is not passed on.
  func feed(from descriptor: Int32, escape: UInt8?) throws {
    _ = try DedicatedThread(name: "stdin", stackSize: 512 << 10) { [self] in
      var piece = [UInt8](repeating: 0, count: Self.piece)
      while true {
        let count = piece.withUnsafeMutableBytes { read(descriptor, $0.baseAddress, $0.count) }
        if count < 0, errno == EINTR { continue }
        var bytes = piece[..<max(0, count)]
        let leave = escape.flatMap { bytes.firstIndex(of: $0) }
        if let leave { bytes = bytes[..<leave] }
        let isEnd = count <= 0 || leave != nil
        wake { state in
          state.input += bytes
          state.isInputEnded = isEnd
          // A terminal that is gone leaves too: nobody could end the shell.
          state.mustLeave = state.mustLeave || leave != nil || (isEnd && hasTerminal)
        }
        if isEnd { return }
        let goesOn = state.wait(until: .never) { state -> Bool? in
          if state.isInputRefused || state.mustLeave { return false }
          return state.input.count < Self.inputLimit ? true : nil
        }
        guard goesOn == true else { return }
      }
    }
  }

  /// The process gets the end of its input.
  func endInput() { wake { $0.isInputEnded = true } }

  /// Gives the process's terminal another size.
  func resize(to size: TerminalSize) { wake { $0.size = size } }

  /// Changes the state, and ends the wait for output so that the other thread sees it.
  private func wake(_ change: (inout State) -> Void) {
    let request = state.update { state -> UInt32 in
      change(&state)
      defer { state.reading = 0 }
      return state.reading
    }
    guard request != 0 else { return }
    // If the guest is gone, the other thread finds out itself.
    try? connection.interrupt(command: false, request: request, until: .after(Self.interruptLimit))
  }

  // MARK: The relay

  private enum Work {
    case leave
    case resize(TerminalSize)
    /// There is input, or the input has ended.
    case write
    case read
  }

  /// Passes bytes on in both directions until the process ends. Blocks.
  /// - Parameter output: receives the output as it comes. If it throws, the process is ended.
  /// - Returns: nil if the deadline came first, or the escape byte ended the relay. The process has been killed then.
  func run(until deadline: Deadline, output: (UnsafeRawBufferPointer, _ isError: Bool) throws -> Void) throws
    -> ExitStatus?
  {
    do {
      if let status = try pass(until: deadline, output: output) { return status }
    } catch {
      state.update { $0.isInputRefused = true }
      if !(error is GuestError) { try? connection.endProcess(job.id, until: .after(Self.interruptLimit)) }
      throw error
    }
    state.update { $0.isInputRefused = true }
    try connection.endProcess(job.id, until: .after(Self.interruptLimit))
    return nil
  }

  private func pass(
    until deadline: Deadline,
    output: (UnsafeRawBufferPointer, _ isError: Bool) throws -> Void
  )
    throws
    -> ExitStatus?
  {
    var rest: ArraySlice<UInt8> = []
    var isClosed = false
    var isStuck = false
    var isDraining = false
    while !deadline.isExpired {
      switch nextWork(&rest, isClosed: isClosed, isStuck: isStuck) {
      case .leave: return nil
      case .resize(let size): try connection.resizeProcess(job.id, to: size, until: .never)
      case .write:
        let taken = try write(rest, close: rest.isEmpty)
        isClosed = taken == nil || rest.isEmpty
        isStuck = taken == 0 && !rest.isEmpty
        rest = rest.dropFirst(taken ?? rest.count)
        continue
      case .read:
        var count = 0
        let longest: Duration? = isStuck ? Self.pause : isDraining ? Self.drain : nil
        let remaining: Duration? = deadline == .never ? nil : deadline.remaining
        let wait = [longest, remaining].compactMap { $0 }.min()
        let now = try connection.readProcess(
          job.id,
          follow: true,
          limit: Self.outputSize,
          wait: wait,
          until: .never
        ) { bytes, isError in
          count += bytes.count
          try output(bytes, isError)
        }
        state.update { $0.reading = 0 }
        isStuck = false
        let mayFollow = (now.isOutputOpen || now.isErrorOpen) && (count > 0 || !isDraining)
        if let status = now.status {
          guard mayFollow else { return status }
          isDraining = true
        } else if !now.isOutputOpen, !now.isErrorOpen {
          // It has closed its output and runs on: nothing but its end, or input, can be awaited.
          let end = try awaitExit(until: deadline)
          if let end { return end }
        }
      }
    }
    return nil
  }

  private func nextWork(_ rest: inout ArraySlice<UInt8>, isClosed: Bool, isStuck: Bool) -> Work {
    let request = connection.nextRequest
    return state.update { state in
      if state.mustLeave { return .leave }
      if let size = state.size {
        state.size = nil
        return .resize(size)
      }
      if isClosed {
        state.isInputRefused = true
        state.input = []
      } else if rest.isEmpty {
        rest = state.input[...]
        state.input = []
      }
      if !isClosed, !isStuck, !rest.isEmpty || state.isInputEnded { return .write }
      if !isStuck { state.reading = request }
      return .read
    }
  }

  /// Returns the number of bytes that the process took; nil if it has closed its input.
  private func write(_ bytes: ArraySlice<UInt8>, close: Bool) throws -> Int? {
    do {
      return try bytes.withUnsafeBytes {
        try connection.writeProcess(job.id, $0, close: close && !hasTerminal, wait: .zero, until: .never)
      }
    } catch GuestError.refused(let errno, _) where errno.number == EPIPE || errno.number == EIO {
      return nil
    }
  }

  private func awaitExit(until deadline: Deadline) throws -> ExitStatus? {
    try connection.readProcess(
      job.id,
      [],
      limit: 0,
      wait: min(deadline.remaining, .milliseconds(200)),
      until: .never
    ) { _, _ in }.status
  }
}
