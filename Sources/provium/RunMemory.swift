import Glibc
import ProviumHistory
import ProviumRuntime
import ProviumSystem
import Synchronization

/// What earlier runs of this project left in the history, and what this one leaves. It helps; a history that cannot be read
/// or written is said once, and stops nothing.
final class RunMemory: Sendable {
  private let history: History?
  private let root: String
  private let hasComplained = Atomic(false)

  init(_ configuration: Configuration) {
    root = configuration.root
    do { history = try History(path: "\(configuration.settings.cache)/history.sqlite") } catch {
      history = nil
      complain("cannot be opened", error)
    }
  }

  private func complain(_ what: String, _ error: any Error) {
    guard !hasComplained.exchange(true, ordering: .relaxed) else { return }
    Console.error("provium: warning: the history of past runs \(what): \(error)")
  }

  private func recall<Value>(_ nothing: Value, _ read: (History) throws -> Value) -> Value {
    guard let history else { return nothing }
    do { return try read(history) } catch {
      complain("cannot be read", error)
      return nothing
    }
  }

  /// By which the history knows a file, however a run was told of it.
  private func key(_ file: TestFile) -> String { TestFile.display(file.path, from: root) }

  /// Seconds that each file last took, by name.
  func durations(of files: [TestFile]) -> [String: Double] {
    let known = recall([:]) { try $0.durations(root: root) }
    return files.reduce(into: [:]) { $0[$1.name] = known[key($1)] }
  }

  func failed(of files: [TestFile]) -> Set<TestFile> {
    let failed = recall([]) { try $0.failedFiles(root: root) }
    return Set(files.filter { failed.contains(key($0)) })
  }

  /// What a file looked at when it last ran.
  struct Touched {
    /// Without links.
    let paths: Set<String>
    /// Its scripts are still the same, and so it would look at the same files again.
    let isCurrent: Bool
  }

  func touched(by files: [TestFile]) -> [TestFile: Touched] {
    let known = recall([:]) { try $0.touched(root: root) }
    var marks: [String: String] = [:]
    func isSame(_ path: String, _ mark: String) -> Bool {
      let now = marks[path] ?? Self.mark(path)
      marks[path] = now
      return now == mark && mark != Self.unknown
    }
    return files.reduce(into: [:]) { found, file in
      guard let record = known[key(file)] else { return }
      found[file] = Touched(
        paths: Set(record.keys),
        isCurrent: record.allSatisfy { isSame($0.key, $0.value) }
      )
    }
  }

  /// The mark of a script that cannot be known again.
  private static let unknown = "unknown"

  /// By which a script is known again; only scripts decide which other files are looked at.
  /// - Parameter time: of a run's begin, in seconds since 1970: what was written later is not what ran.
  private static func mark(_ path: String, before time: Double = .infinity) -> String {
    guard path.hasSuffix(".lua") else { return "" }
    guard let facts = try? FileFacts(path), Double(facts.modifiedNanoseconds) / 1e9 <= time,
      let contents = try? Files.read(path)
    else { return unknown }
    return SHA256.hex(contents)
  }

  /// Any thread. What a file came to when the run was ended under it is not worth remembering.
  func remember(_ ended: EndedFile, isPartial: Bool) {
    guard let history, !ended.isCut else { return }
    var now = timespec()
    clock_gettime(CLOCK_REALTIME, &now)
    let time = Double(now.tv_sec) + Double(now.tv_nsec) / 1e9
    let touched = Set(ended.touched.map(Files.canonical)).map { path in
      (path, Self.mark(path, before: time - ended.result.duration))
    }
    let run = History.FileRun(
      file: key(ended.file),
      result: ended.result,
      isPartial: isPartial,
      touched: Dictionary(uniqueKeysWithValues: touched),
      time: time
    )
    do { try history.record(run, root: root) } catch { complain("cannot be written", error) }
  }
}
