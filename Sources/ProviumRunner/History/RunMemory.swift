import Glibc
import ProviumEvents
package import ProviumRuntime
package import ProviumScripts
import ProviumSystem
import Synchronization

/// The results of earlier runs of this project, and where this run's results are added. Thread-safe.
///
/// It only helps: a history that cannot be read or written leads to one warning and stops nothing. A build without the trait
/// `CommandLine` has no history, so nothing is known of earlier runs and nothing is added.
package final class RunMemory: Sendable {
  private let root: String
  private let warn: @Sendable (String) -> Void
  private let hasWarned = Atomic(false)
  #if CommandLine
    private let history: History?
  #endif

  /// - Parameter warn: Receives the one warning.
  package init(_ configuration: Configuration, warn: @escaping @Sendable (String) -> Void) {
    root = configuration.root
    self.warn = warn
    #if CommandLine
      do { history = try History(path: History.path(in: configuration.settings.cache)) } catch {
        history = nil
        complain("cannot be opened", error)
      }
    #endif
  }

  private func complain(_ what: String, _ error: any Error) {
    guard !hasWarned.exchange(true, ordering: .relaxed) else { return }
    warn("the history of past runs \(what): \(error)")
  }

  #if CommandLine
    private func recall<Value>(_ nothing: Value, _ read: (History) throws -> Value) -> Value {
      guard let history else { return nothing }
      do { return try read(history) } catch {
        complain("cannot be read", error)
        return nothing
      }
    }
  #endif

  /// The name of a file in the history: its path in the project, however the run was told of it.
  private func key(_ file: TestFile) -> String { Files.display(file.path, from: root) }

  #if CommandLine
    /// The name of a file on its kernel.
    private func cell(_ file: TestFile) -> String { History.cell(key(file), file.kernel ?? "") }
  #endif

  /// Seconds that each file took when it last ran, by name.
  package func durations(of files: [TestFile]) -> [String: Double] {
    #if CommandLine
      let known = recall([:]) { try $0.durations(root: root) }
      return files.reduce(into: [:]) { $0[$1.name] = known[cell($1)] }
    #else
      return [:]
    #endif
  }

  /// The files in which something failed when it last ran.
  package func failed(of files: [TestFile]) -> Set<TestFile> {
    #if CommandLine
      let failed = recall([]) { try $0.failedFiles(root: root) }
      return Set(files.filter { failed.contains(cell($0)) })
    #else
      return []
    #endif
  }

  /// The host files that a test file read when it last ran.
  package struct Touched: Sendable {
    /// Absolute paths without symbolic links.
    let paths: Set<String>
    /// The scripts among them have not changed, so the test file would read the same files again.
    let isCurrent: Bool
  }

  package func touched(by files: [TestFile]) -> [TestFile: Touched] {
    #if CommandLine
      let known = recall([:]) { try $0.touched(root: root) }
      var marks: [String: String] = [:]
      func isSame(_ path: String, _ mark: String) -> Bool {
        let now = marks[path] ?? Self.mark(path)
        marks[path] = now
        return now == mark && mark != Self.unknown
      }
      return files.reduce(into: [:]) { found, file in
        guard let record = known[cell(file)] else { return }
        found[file] = Touched(
          paths: Set(record.keys),
          isCurrent: record.allSatisfy { isSame($0.key, $0.value) }
        )
      }
    #else
      return [:]
    #endif
  }

  /// Adds the result of a file. Leaves out a run that was cut short: its result does not describe the file.
  /// - Parameter isPartial: Some sub-tests of the file were not selected.
  package func remember(_ file: TestFile, _ ended: EndedRun, isPartial: Bool) {
    #if CommandLine
      guard let history, !ended.isCut else { return }
      var now = timespec()
      clock_gettime(CLOCK_REALTIME, &now)
      let time = Double(now.tv_sec) + Double(now.tv_nsec) / 1e9
      let touched = Set(ended.touched.map(Files.canonical)).map { path in
        (path, Self.mark(path, before: time - ended.result.duration))
      }
      let run = History.FileRun(
        file: key(file),
        kernel: file.kernel ?? "",
        result: ended.result,
        isPartial: isPartial,
        touched: Dictionary(uniqueKeysWithValues: touched),
        time: time
      )
      do { try history.record(run, root: root) } catch { complain("cannot be written", error) }
    #endif
  }

  #if CommandLine
    /// The mark of a script whose contents at the time of the run are unknown.
    private static let unknown = "unknown"

    /// A digest by which a script is recognized. Only scripts decide which other files a test reads; other files have no mark.
    /// - Parameter time: The start of the run, in seconds since 1970. A script that was written later is not the one that ran.
    private static func mark(_ path: String, before time: Double = .infinity) -> String {
      guard path.hasSuffix(".lua") else { return "" }
      guard let facts = try? FileFacts(path), Double(facts.modifiedNanoseconds) / 1e9 <= time,
        let contents = try? Files.read(path)
      else { return unknown }
      return SHA256.hex(contents)
    }
  #endif
}
