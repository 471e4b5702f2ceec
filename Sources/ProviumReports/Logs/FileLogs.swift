package import ProviumEvents
import ProviumSystem
import Synchronization

/// Writes `RUN-DIRECTORY/FILE.log` while a file runs: everything that the file printed and did, with times. The log of a file
/// that failed ends with the consoles and kernel logs of its VMs.
/// Logs of files that passed are deleted, unless an earlier attempt failed. The log of a file that did not
/// end is kept.
package final class FileLogs: EventSink {
  private struct State {
    var folder: String?
    var running = Set<String>()
    /// Files that failed in any attempt.
    var failed = Set<String>()
    var machines: [Int: String] = [:]
    var failure: (any Error)?
  }
  private let state: Mutex<State>
  private let keepsAll: Bool

  /// - Parameters:
  ///   - folder: the run's folder; nil for the folder that the run's header names.
  ///   - keepsAll: whether logs of files that passed are kept too.
  package init(folder: String? = nil, keepsAll: Bool = false) {
    state = Mutex(State(folder: folder))
    self.keepsAll = keepsAll
  }

  /// `RUN-DIRECTORY/net/dhcp.lua.log`. `..` in a path does not lead out of the run's folder.
  package static func path(of file: String, in folder: String) -> String {
    let parts = file.split(separator: "/").filter { $0 != "." }.map { $0 == ".." ? "__" : String($0) }
    return "\(folder)/\(parts.isEmpty ? "script" : parts.joined(separator: "/")).log"
  }

  /// The run's folder; nil until it is known.
  package var folder: String? {
    get { state.withLock { $0.folder } }
    set { state.withLock { $0.folder = newValue } }
  }

  /// Writes the event into its file's log. Ignores events that concern no file.
  package func receive(_ event: RunEvent, at time: Double) {
    state.withLock { state in
      switch event {
      case .runStarted(let header): state.folder = state.folder ?? header.runDirectory
      case .machineStarted(let machine): state.machines[machine.id] = machine.file
      default: break
      }
      let machine = Self.machine(of: event).flatMap { state.machines[$0] }
      guard let file = machine ?? Self.file(of: event) else { return }
      if case .fileStarted = event { state.running.insert(file) }
      // An event after the file's end must not create the deleted log again.
      guard state.running.contains(file) || state.failed.contains(file) else { return }
      append(LogText.lines(event, at: time), to: file, &state)
      if case .fileEnded(let result) = event { end(result, &state) }
    }
  }

  /// Throws the first error of a write.
  package func finish() throws {
    let failure = state.withLock { $0.failure }
    if let failure { throw failure }
  }

  // MARK: Files

  private static func machine(of event: RunEvent) -> Int? {
    switch event {
    case .machineReady(let id, _, _), .machineEnded(let id, _): id
    default: nil
    }
  }

  private static func file(of event: RunEvent) -> String? {
    switch event {
    case .fileStarted(let file, _), .activity(let file, _), .subTestStarted(let file, _, _),
      .output(let file, _, _),
      .subTestEnded(let file, _), .poolWaiting(let file, _, _), .poolGranted(let file, _, _, _, _),
      .poolGrown(let file, _, _), .poolReleased(let file, _):
      file
    case .machineStarted(let machine): machine.file
    case .warning(let file, _): file
    case .fileEnded(let result): result.file
    case .runStarted, .runEnded, .machineReady, .machineEnded: nil
    }
  }

  /// Writes each event at once: the log must show the last activity of a run that was killed.
  private func append(_ lines: [String], to file: String, _ state: inout State) {
    guard let folder = state.folder, state.failure == nil, !lines.isEmpty else { return }
    let text = lines.map { $0 + "\n" }.joined()
    do { try LogFile.append(text, to: Self.path(of: file, in: folder)) } catch { state.failure = error }
  }

  /// A guest may print without end: of more than this, the log has the end, and says where the rest is.
  private static let consoleLimit = 4 << 20

  private func appendConsoles(of machines: [Int], to file: String, _ state: inout State) {
    guard let folder = state.folder else { return }
    for id in machines {
      for (title, path) in [
        ("console", MachineFiles.console(of: id, in: folder)),
        ("kernel log", MachineFiles.kernelLog(of: id, in: folder)),
        ("debug log", MachineFiles.debugLog(of: id, in: folder)),
      ] {
        guard let bytes = try? Files.read(path), !bytes.isEmpty else { continue }
        let text = String(decoding: bytes.suffix(Self.consoleLimit), as: UTF8.self)
        let isCut = bytes.count > Self.consoleLimit
        let head =
          "--- \(title) of VM \(id): \(isCut ? "the last \(Self.consoleLimit >> 20) MiB of " : "")\(path) ---"
        append([head] + HarmlessText.lines(text), to: file, &state)
      }
    }
  }

  private func end(_ result: FileResult, _ state: inout State) {
    state.running.remove(result.file)
    let machines = state.machines.filter { $0.value == result.file }.keys.sorted()
    for id in machines { state.machines[id] = nil }
    if result.hasFailed {
      state.failed.insert(result.file)
      appendConsoles(of: machines, to: result.file, &state)
    }
    if !keepsAll, !state.failed.contains(result.file), let folder = state.folder {
      try? Files.removeTree(Self.path(of: result.file, in: folder))
    }
  }
}
