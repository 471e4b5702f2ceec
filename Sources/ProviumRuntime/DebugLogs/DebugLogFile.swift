import Glibc
import ProviumSystem
import Synchronization

/// A log file whose lines have a time. Thread-safe.
///
///     [   12.034567] boot stage: kernel
final class DebugLogFile: Sendable {
  private struct State: ~Copyable {
    var path: String
    /// Opened by the first message.
    var file: Descriptor?
    var isFailed = false
    var written = 0
  }
  private let state: Mutex<State>
  private let seconds: @Sendable () -> Double

  /// The largest size in bytes. Messages contain text of the guest, which must not fill the disk.
  private let limit: Int

  /// - Parameter seconds: gives the time of a message.
  init(path: String, limit: Int = 64 << 20, seconds: @escaping @Sendable () -> Double) {
    state = Mutex(State(path: path))
    self.limit = limit
    self.seconds = seconds
  }

  /// Appends a message. Further lines of it are indented. Errors are ignored: a full disk loses a log, not a test.
  func append(_ message: String) {
    let lines = HarmlessText.clean(message).split(separator: "\n", omittingEmptySubsequences: false)
    state.withLock { state in
      guard state.written < limit, Self.open(&state) else { return }
      // With the lock held: the times of a file ascend.
      var text = "\(Self.stamp(seconds())) \(lines.joined(separator: "\n    "))\n"
      state.written += text.utf8.count
      if state.written >= limit { text += "[provium: the log is cut here]\n" }
      if let file = state.file?.raw { try? Files.writeAll(Array(text.utf8), to: file, path: state.path) }
    }
  }

  /// Moves the file. Later messages are appended to it there.
  func rename(to path: String) {
    state.withLock { state in
      if state.file != nil { try? Files.rename(state.path, to: path) }
      state.path = path
    }
  }

  private static func open(_ state: inout State) -> Bool {
    guard state.file == nil, !state.isFailed else { return !state.isFailed }
    do {
      try Files.createDirectories(Files.parent(of: state.path), mode: 0o700)
      state.file = try Descriptor.open(state.path, O_WRONLY | O_CREAT | O_APPEND)
    } catch { state.isFailed = true }
    return !state.isFailed
  }

  /// `[   12.034567]`.
  static func stamp(_ seconds: Double) -> String {
    let microseconds = UInt64(max(0, seconds) * 1e6)
    let whole = "\(microseconds / 1_000_000)"
    let fraction = "\(microseconds % 1_000_000)"
    return "[" + String(repeating: " ", count: max(0, 5 - whole.utf8.count)) + whole + "."
      + String(repeating: "0", count: 6 - fraction.utf8.count) + fraction + "]"
  }
}
