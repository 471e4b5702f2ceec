import Logging
import ProviumEvents
import ProviumSystem
import ProviumVM
import Synchronization

/// The debug logs of a process's VMs, one file each. Thread-safe.
final class DebugLogs: Sendable {
  private let run: String
  private let level: LogLevel
  private let events: EventStream
  private let warmVMs = Atomic(0)

  /// - Parameters:
  ///   - run: the run directory, which has the files.
  ///   - events: gives the times, so that those of the logs and of event files agree.
  init(run: String, level: LogLevel, events: EventStream) {
    self.run = run
    self.level = level
    self.events = events
  }

  /// Returns the logger of the VM with that number. Its file is created by the first message.
  func logger(for machine: Int) -> Logger { logger(MachineFiles.debugLog(of: machine, in: run)) }

  /// Returns the logger of a new warm VM, which has no number yet.
  func warmLogger() -> Logger {
    guard level != .off else { return .silent }
    return logger("\(run)/consoles/warm\(warmVMs.add(1, ordering: .relaxed).newValue)-debug.log")
  }

  /// Gives the file of a warm VM the name of the VM with that number, which it becomes.
  func take(_ logger: Logger, for machine: Int) {
    (logger.handler as? DebugLogHandler)?.file.rename(to: MachineFiles.debugLog(of: machine, in: run))
  }

  private func logger(_ path: String) -> Logger {
    guard level != .off else { return .silent }
    let file = DebugLogFile(path: path) { [events] in events.now }
    return Logger(label: "vm", factory: { _ in DebugLogHandler(file: file) })
  }
}

/// Writes the messages of a logger to a file.
private struct DebugLogHandler: LogHandler {
  let file: DebugLogFile
  var metadata: Logger.Metadata = [:]
  var logLevel = Logger.Level.debug

  init(file: DebugLogFile) { self.file = file }

  subscript(metadataKey key: String) -> Logger.Metadata.Value? {
    get { metadata[key] }
    set { metadata[key] = newValue }
  }

  func log(event: LogEvent) { file.append("\(event.message)") }
}
