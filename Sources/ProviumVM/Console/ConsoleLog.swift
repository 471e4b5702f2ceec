import ProviumSystem
import Glibc
import Synchronization

/// A machine's serial console: kept in a file, its end in memory. Written by the machine's watcher, read by anybody.
package final class ConsoleLog: Sendable {
  private struct State {
    var lines: [String] = []
    /// The line that has no end yet.
    var open: [UInt8] = []
    /// Looks at each line as it comes: how many are kept is no matter to it.
    var reports = KernelReportScanner()
    var written = 0
    var reached = BootStage.qemu
    var panic: String?
    var refusal: String?
  }
  private let state = Mutex(State())
  private let file: Descriptor
  package let path: String

  /// A guest that floods its console must not fill the disk, or the memory.
  private static let fileLimit = 64 << 20
  private static let lineLimit = 4096
  private static let keptLines = 500

  package init(path: String) throws {
    self.path = path
    file = try Descriptor.open(path, O_WRONLY | O_CREAT | O_APPEND)
  }

  /// Takes what the guest printed.
  func append(_ bytes: UnsafeRawBufferPointer) {
    state.withLock { state in
      if state.reached < .kernel, !bytes.isEmpty { state.reached = .kernel }
      keep(bytes, &state)
      for byte in bytes {
        if byte == 0x0a {
          finishLine(&state)
        } else if state.open.count < Self.lineLimit {
          state.open.append(byte)
        }
      }
    }
  }

  private func keep(_ bytes: UnsafeRawBufferPointer, _ state: inout State) {
    guard state.written < Self.fileLimit else { return }
    _ = write(file.raw, bytes.baseAddress, bytes.count)
    state.written += bytes.count
    if state.written >= Self.fileLimit {
      let note = Array("\n[provium: the console is cut here, at 64 MiB]\n".utf8)
      _ = note.withUnsafeBytes { write(file.raw, $0.baseAddress, $0.count) }
    }
  }

  private func finishLine(_ state: inout State) {
    let line = ConsoleText.clean(state.open)
    state.open.removeAll(keepingCapacity: true)
    state.reports.take(line, at: Deadline.now)
    state.lines.append(line)
    if state.lines.count > Self.keptLines + 500 { state.lines.removeFirst(500) }
    if let stage = BootStage(consoleLine: line), stage > state.reached { state.reached = stage }
    if state.panic == nil, let range = line.firstRange(of: "Kernel panic - not syncing") {
      state.panic = String(line[range.lowerBound...])
    }
    if state.refusal == nil,
      let range = line.firstRange(of: "provium: cannot go on: ")
    {
      state.refusal = String(line[range.upperBound...])
    }
  }

  /// The last lines, the unfinished one included, without control characters.
  package func tail(_ count: Int = 20) -> [String] {
    state.withLock { state in
      let all = state.lines.suffix(count) + (state.open.isEmpty ? [] : [ConsoleText.clean(state.open)])
      return Array(all.suffix(count))
    }
  }

  /// Kernel reports that nobody has answered for, and how many more there were than are kept.
  package var reports: (kept: [KernelReport], lost: Int) {
    state.withLock { ($0.reports.reports, $0.reports.lost) }
  }

  /// Somebody answers for these reports.
  package func answer(_ reports: some Sequence<KernelReport>) {
    let numbers = Set(reports.map(\.number))
    state.withLock { $0.reports.answer(numbers) }
  }

  /// Takes all reports that nobody has answered for.
  package func takeReports() -> (kept: [KernelReport], lost: Int) {
    state.withLock { state in
      defer { state.reports.answerAll() }
      return (state.reports.reports, state.reports.lost)
    }
  }

  /// The panic's own line, once there was one.
  package var panic: String? { state.withLock { $0.panic } }
  /// Why the wrapper, process 1 of a boot, gave up.
  package var refusal: String? { state.withLock { $0.refusal } }
  /// How far the boot came, by what the console shows.
  package var reached: BootStage { state.withLock { $0.reached } }
}

/// Console bytes as text that is safe to show on a terminal.
package enum ConsoleText {
  /// Without escape sequences and control characters.
  package static func clean(_ bytes: some Sequence<UInt8>) -> String {
    HarmlessText.clean(String(decoding: Array(bytes), as: UTF8.self), .removed)
  }
}

/// How far a boot came.
package enum BootStage: Int, Sendable, Comparable, CaseIterable {
  /// QEMU runs; the guest has said nothing.
  case qemu
  case kernel
  /// Process 1 is Provium's wrapper, loading drivers.
  case modules
  case root
  case agent
  case initProgram
  /// The agent has answered.
  case ready

  package static func < (left: BootStage, right: BootStage) -> Bool { left.rawValue < right.rawValue }

  /// What the wrapper prints: `provium: stage modules`.
  init?(consoleLine line: String) {
    guard let range = line.firstRange(of: "provium: stage ") else { return nil }
    switch line[range.upperBound...].prefix(while: { $0.isLetter }) {
    case "modules": self = .modules
    case "root": self = .root
    case "agent": self = .agent
    case "init", "no": self = .initProgram
    default: return nil
    }
  }

  package var description: String {
    switch self {
    case .qemu: "QEMU started, the kernel has printed nothing"
    case .kernel: "the kernel started, but did not reach Provium's wrapper"
    case .modules: "the wrapper was loading drivers"
    case .root: "the wrapper was mounting the root disk"
    case .agent: "the agent was started, but did not answer"
    case .initProgram: "the guest's init was started, but the agent did not answer"
    case .ready: "the agent answered"
    }
  }

  /// One word for whoever watches.
  package var word: String {
    switch self {
    case .qemu: "QEMU"
    case .kernel: "kernel"
    case .modules: "drivers"
    case .root: "root disk"
    case .agent: "agent"
    case .initProgram: "init"
    case .ready: "ready"
    }
  }
}
