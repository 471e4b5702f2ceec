import Glibc
import ProviumRunner
import ProviumRuntime
import ProviumSystem
import Synchronization

/// The serial console of a copy on the user's terminal: `provium open --console`.
struct OpenConsole {
  let session: OpenSession
  /// Bytes of the kept console that are shown.
  private static let shown = 16 << 10

  /// Shows the end of the kept console, and the live output until the user leaves. Blocks.
  func run() throws {
    let failure = session.failure
    session.printSummary()
    if let bytes = try? Files.read(failure.consolePath) {
      try bytes.suffix(Self.shown).withUnsafeBytes { try Console.writeAll($0, to: 1) }
    }
    guard failure.condition != .stopped else {
      Console.error("\nprovium: \(failure.reasonOfDeath): the guest runs no more, and prints nothing")
      return
    }
    let isTerminal = isatty(0) == 1 && isatty(1) == 1
    let raw = RawTerminalHolder()
    _ = try SignalThread { number, _ in
      raw.restore()
      _exit(ExitStatusCode.signal(number))
    }
    try session.withCopy { copy in
      try copy.proceed()
      if isTerminal {
        Console.error("\nprovium: the console of a copy of \(failure.machine); Ctrl-] leaves")
        try raw.set()
      }
      defer { raw.restore() }
      let input = ConsoleInput(copy, isTerminal: isTerminal)
      try input.start()
      try copy.followConsole(mustEnd: { input.hasEnded }) { try Console.writeAll($0, to: 1) }
      raw.restore()
      if isTerminal { Console.error("\nprovium: left the console") }
    }
  }
}

/// Copies standard input to the console of an opened VM, on a thread of its own. Thread-safe.
private final class ConsoleInput: Sendable {
  private let copy: OpenedFailure
  private let isTerminal: Bool
  private let ended = Mutex(false)
  private static let escape: UInt8 = 0x1D
  /// How long output is awaited after the end of a pipe.
  private static let drain = Duration.seconds(2)

  init(_ copy: OpenedFailure, isTerminal: Bool) {
    self.copy = copy
    self.isTerminal = isTerminal
  }

  var hasEnded: Bool { ended.withLock { $0 } }

  func start() throws {
    _ = try DedicatedThread(name: "stdin", stackSize: 512 << 10) { [self] in
      var piece = [UInt8](repeating: 0, count: 4096)
      while true {
        let count = piece.withUnsafeMutableBytes { read(0, $0.baseAddress, $0.count) }
        if count < 0, errno == EINTR { continue }
        guard count > 0 else { break }
        let bytes = piece[..<count]
        let leave = isTerminal ? bytes.firstIndex(of: Self.escape) : nil
        try? copy.writeConsole(Array(leave.map { bytes[..<$0] } ?? bytes))
        if leave != nil { return ended.withLock { $0 = true } }
      }
      // The guest may still answer what came through the pipe, and nothing tells when it has answered everything.
      usleep(UInt32(Self.drain.components.seconds * 1_000_000))
      ended.withLock { $0 = true }
    }
  }
}
