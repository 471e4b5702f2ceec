import Glibc
import ProviumRuntime
import ProviumSystem

/// Notices changes of test files, and of whatever else their last runs looked at. Looks at sizes and times ten times a second:
/// a few hundred `stat` calls, and no editor's way of saving escapes it.
struct FileWatch {
  /// What is to run again, and why.
  struct Change {
    let files: [TestFile]
    let summary: String
    let isConfiguration: Bool
  }

  private let files: [TestFile]
  private let configurationPath: String?
  /// By watched path: the test files that a change of it touches.
  private var dependents: [String: Set<TestFile>] = [:]
  private var stamps: [String: Stamp] = [:]

  init(_ files: [TestFile], configuration: Configuration) {
    self.files = files
    configurationPath = configuration.path
    for file in files { dependents[file.path] = [file] }
    if let configurationPath { dependents[configurationPath] = [] }
    stamp()
  }

  var count: Int { dependents.count }

  /// After a run: what each file looked at. A file that changed while it ran is noticed still.
  mutating func note(_ touched: [TestFile: Set<String>]) {
    for (file, paths) in touched {
      for path in paths { dependents[path, default: []].insert(file) }
    }
    stamp()
  }

  private mutating func stamp() {
    for path in dependents.keys where stamps[path] == nil { stamps[path] = Stamp(path) }
  }

  /// Waits for the next change; nil once `isWanted` says no more.
  mutating func nextChange(while isWanted: () -> Bool) -> Change? {
    while isWanted() {
      let changed = dependents.keys.filter { path in
        guard let now = Stamp(path) else { return false }
        return now != stamps[path]
      }
      if changed.isEmpty {
        usleep(100_000)
        continue
      }
      for path in changed { stamps[path] = Stamp(path) }
      let touched = changed.reduce(into: Set<TestFile>()) { $0.formUnion(dependents[$1] ?? []) }
      let names = changed.sorted().map { TestFile.display($0) }
      return Change(
        // In the suite's own order.
        files: files.filter(touched.contains),
        summary: "changed: \(names.prefix(5).joined(separator: ", "))\(names.count > 5 ? ", …" : "")",
        isConfiguration: configurationPath.map(changed.contains) ?? false
      )
    }
    return nil
  }
}

/// What tells that a file is another one, or was written again.
private struct Stamp: Equatable {
  let size: Int
  let inode: UInt
  let seconds: Int
  let nanoseconds: Int

  /// nil for a file that is not there, as while an editor replaces it.
  init?(_ path: String) {
    var status = stat()
    guard stat(path, &status) == 0 else { return nil }
    size = Int(status.st_size)
    inode = UInt(status.st_ino)
    seconds = status.st_mtim.tv_sec
    nanoseconds = status.st_mtim.tv_nsec
  }
}

/// Where `provium.toml` may stand for the current directory, as it is now: what is waited for when it holds an error.
struct ConfigurationPlaces {
  private let paths: [String]
  private let facts: [Stamp?]

  init() {
    let folder = Files.currentDirectory
    let folders = folder.indices.filter { folder[$0] == "/" }.map { folder[..<$0] } + [folder[...]]
    paths = folders.map { "\($0)/\(ConfigurationFile.name)" }
    facts = paths.map { Stamp($0) }
  }

  /// Waits until a file changes, comes or goes, or `isWanted` says no more.
  func awaitChange(while isWanted: () -> Bool) {
    while isWanted(), paths.map({ Stamp($0) }) == facts { usleep(100_000) }
  }
}
