import Glibc
import ProviumRuntime
import ProviumScripts
import ProviumSystem

/// Notices changes of test files and of the files that their last runs read.
struct FileWatch {
  /// A change, and the test files that it affects.
  struct Change {
    let files: [TestFile]
    let summary: String
    let isConfiguration: Bool
  }

  private let watch: ChangeWatch
  private let files: [TestFile]
  private let configurationPath: String?
  /// For each watched path: the test files that a change of it affects.
  private var dependents: [String: Set<TestFile>] = [:]
  private var stamps: [String: FileStamp] = [:]

  init(_ files: [TestFile], configuration: Configuration) throws {
    watch = try ChangeWatch()
    self.files = files
    configurationPath = configuration.path
    for file in files { dependents[file.path] = [file] }
    if let configurationPath { dependents[configurationPath] = [] }
    stamp()
  }

  var count: Int { dependents.count }

  /// Adds the files that a run read. A file that changed during the run still counts as changed.
  mutating func note(_ touched: [TestFile: Set<String>]) {
    for (file, paths) in touched {
      for path in paths { dependents[path, default: []].insert(file) }
    }
    stamp()
  }

  private mutating func stamp() {
    for path in dependents.keys where stamps[path] == nil { stamps[path] = FileStamp(path) }
  }

  /// Blocks until a watched file changes. Returns nil once `event` is raised.
  mutating func nextChange(until event: EventDescriptor) throws -> Change? {
    while true {
      // Watch first: a change after the comparison must not be missed.
      try watch.add(dependents.keys)
      let changed = dependents.keys.filter { path in
        // A file that is missing may be in the middle of being replaced.
        guard let now = FileStamp(path) else { return false }
        return now != stamps[path]
      }
      if !changed.isEmpty { return change(of: changed) }
      guard try watch.wait(until: event) else { return nil }
    }
  }

  private mutating func change(of paths: [String]) -> Change {
    for path in paths { stamps[path] = FileStamp(path) }
    let touched = paths.reduce(into: Set<TestFile>()) { $0.formUnion(dependents[$1] ?? []) }
    let names = paths.sorted().map { Files.display($0) }
    return Change(
      // In the order of the suite.
      files: files.filter(touched.contains),
      summary: "changed: \(names.prefix(5).joined(separator: ", "))\(names.count > 5 ? ", …" : "")",
      isConfiguration: configurationPath.map(paths.contains) ?? false
    )
  }
}
