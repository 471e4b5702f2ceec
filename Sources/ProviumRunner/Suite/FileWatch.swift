import Glibc
import ProviumRuntime
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
  private let configurationPath: ExactString?
  /// For each watched path: the test files that a change of it affects.
  private var dependents: [ExactString: Set<TestFile>] = [:]
  private var stamps: [ExactString: FileStamp] = [:]

  init(_ files: [TestFile], configuration: Configuration) throws {
    watch = try ChangeWatch()
    self.files = files
    configurationPath = configuration.path.map { ExactString($0) }
    for file in files { dependents[ExactString(file.path)] = [file] }
    if let configurationPath { dependents[configurationPath] = [] }
    stamp()
  }

  var count: Int { dependents.count }

  /// Adds the files that a run read. A file that changed during the run still counts as changed.
  mutating func note(_ touched: [TestFile: Set<String>]) {
    for (file, paths) in touched {
      for path in paths { dependents[ExactString(path), default: []].insert(file) }
    }
    stamp()
  }

  private mutating func stamp() {
    for path in dependents.keys where stamps[path] == nil { stamps[path] = FileStamp(path.text) }
  }

  /// Blocks until a watched file changes. Returns nil once `event` is raised.
  mutating func nextChange(until event: EventDescriptor) throws -> Change? {
    while true {
      // Watch first: a change after the comparison must not be missed.
      try watch.add(dependents.keys.map(\.text))
      let changed = dependents.keys.filter { path in
        // A file that is missing may be in the middle of being replaced.
        guard let now = FileStamp(path.text) else { return false }
        return now != stamps[path]
      }
      if !changed.isEmpty { return change(of: changed) }
      guard try watch.wait(until: event) else { return nil }
    }
  }

  private mutating func change(of paths: [ExactString]) -> Change {
    for path in paths { stamps[path] = FileStamp(path.text) }
    let touched = paths.reduce(into: Set<TestFile>()) { $0.formUnion(dependents[$1] ?? []) }
    let names = paths.sorted().map { Files.display($0.text) }
    return Change(
      // In the order of the suite.
      files: files.filter(touched.contains),
      summary: "changed: \(names.prefix(5).joined(separator: ", "))\(names.count > 5 ? ", …" : "")",
      isConfiguration: configurationPath.map(paths.contains) ?? false
    )
  }
}
