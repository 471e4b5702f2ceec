import Glibc
import ProviumSystem
import Synchronization

/// The output of a VM's serial console: all of it in a file, its last lines in memory. Thread-safe.
package final class ConsoleLog: Sendable {
  private struct State: ~Copyable {
    /// nil: closed.
    var file: Descriptor?
    var lines: [String] = []
    /// The line that has no end yet.
    var open: [UInt8] = []
    var written = 0
    var reached = BootStage.qemu
    var refusal: String?
  }
  private let state: Mutex<State>
  package let path: String

  /// A guest that prints without end must fill neither the disk nor the memory.
  private static let fileLimit = 64 << 20
  private static let lineLimit = 4096
  private static let keptLines = 500

  package init(path: String) throws {
    self.path = path
    let file = try Descriptor.open(path, O_WRONLY | O_CREAT | O_APPEND)
    state = Mutex(State(file: file))
  }

  /// Closes the file of a VM that has ended. The last lines stay in memory. Idempotent.
  package func close() { state.withLock { $0.file = nil } }

  /// Adds what the guest printed.
  /// - Returns: the lines that are now complete, without control characters.
  @discardableResult
  func append(_ bytes: UnsafeRawBufferPointer) -> [String] {
    state.withLock { state in
      if state.reached < .kernel, !bytes.isEmpty { state.reached = .kernel }
      keep(bytes, &state)
      var complete: [String] = []
      for byte in bytes {
        if byte == 0x0a {
          complete.append(finishLine(&state))
        } else if state.open.count < Self.lineLimit {
          state.open.append(byte)
        }
      }
      return complete
    }
  }

  private func keep(_ bytes: UnsafeRawBufferPointer, _ state: inout State) {
    guard state.written < Self.fileLimit, let file = state.file?.raw else { return }
    _ = write(file, bytes.baseAddress, bytes.count)
    state.written += bytes.count
    if state.written >= Self.fileLimit {
      let note = Array("\n[provium: the console is cut here, at 64 MiB]\n".utf8)
      _ = note.withUnsafeBytes { write(file, $0.baseAddress, $0.count) }
    }
  }

  private func finishLine(_ state: inout State) -> String {
    let line = ConsoleText.clean(state.open)
    state.open.removeAll(keepingCapacity: true)
    state.lines.append(line)
    if state.lines.count > Self.keptLines + 500 { state.lines.removeFirst(500) }
    if let stage = BootStage(consoleLine: line), stage > state.reached { state.reached = stage }
    if state.refusal == nil, let range = line.firstRange(of: "provium: cannot go on: ") {
      state.refusal = String(line[range.upperBound...])
    }
    return line
  }

  /// The last lines, the unfinished one included, without control characters.
  package func tail(_ count: Int = 20) -> [String] {
    state.withLock { state in
      let all = state.lines.suffix(count) + (state.open.isEmpty ? [] : [ConsoleText.clean(state.open)])
      return Array(all.suffix(count))
    }
  }

  /// Why the wrapper, process 1 of a boot, gave up. Of meaning only during a boot: later a program can print such a line.
  var refusal: String? { state.withLock { $0.refusal } }
  /// How far the boot came, as the console shows it.
  package var reached: BootStage { state.withLock { $0.reached } }
}

/// Console bytes as text that is safe to show on a terminal.
package enum ConsoleText {
  /// Returns the text without escape sequences and control characters.
  package static func clean(_ bytes: some Sequence<UInt8>) -> String {
    HarmlessText.clean(String(decoding: Array(bytes), as: UTF8.self), .removed)
  }
}
