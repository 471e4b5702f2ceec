import ProviumRuntime
import ProviumSystem

/// Waits for a change of `provium.toml` in the current directory and above, also while none exists.
package struct ConfigurationWatch {
  private let watch: ChangeWatch
  private let paths: [String]
  private let stamps: [FileStamp?]

  /// Notes the present state: `awaitChange` compares with it.
  package init() throws {
    watch = try ChangeWatch()
    let folder = Files.currentDirectory
    let folders = folder.indices.filter { folder[$0] == "/" }.map { folder[..<$0] } + [folder[...]]
    paths = folders.map { "\($0)/\(ConfigurationFile.name)" }
    stamps = paths.map(FileStamp.init)
  }

  /// Blocks until such a file changes, appears or disappears, or until `interruption` is raised.
  package func awaitChange(or interruption: Interruption) throws {
    repeat {
      try watch.add(paths)
      if paths.map(FileStamp.init) != stamps { return }
    } while try watch.wait(until: interruption.event)
  }
}
