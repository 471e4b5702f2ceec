import ProviumSystem

/// A fixture's script, found: whatever way it was asked for, it is one fixture.
struct LocatedFixture: Sendable, Hashable {
  /// By which people know it.
  let name: String
  /// Absolute path of the script, without `.` and `..`.
  let source: String

  init(source: String) {
    self.source = Files.normalize(source)
    // `base` of …/fixtures/base.lua, `net/base` of …/fixtures/net/base.lua.
    let marker = "/fixtures/"
    let path = self.source.hasSuffix(".lua") ? self.source.dropLast(4) : self.source[...]
    let start = path.ranges(of: marker).last?.upperBound ?? path.lastIndex(of: "/").map(path.index(after:))
    name = String(path[(start ?? path.startIndex)...])
  }
}

/// Finds a fixture's script: `fixtures/NAME.lua` beside the file that asks, in the folders above it up to the tests' root or
/// the folder of provium.toml, and under each of the configured test folders.
struct FixtureLocator {
  let configuration: Configuration

  func find(_ name: String, for file: TestFile) throws -> LocatedFixture {
    let folders = candidates(for: file)
    if !name.isEmpty, !name.utf8.contains(0) {
      for folder in folders {
        let source = "\(folder)/\(name).lua"
        if Files.exists(source), !Files.isDirectory(source) { return LocatedFixture(source: source) }
      }
    }
    let names = folders.flatMap { (try? Files.list($0)) ?? [] }.filter { $0.hasSuffix(".lua") }.map {
      String($0.dropLast(4))
    }
    throw FixtureError.unknown(
      name: name,
      looked: folders.map { Files.display("\($0)/\(name).lua") },
      hint: NearestName.hint(for: name, among: names)
    )
  }

  private func candidates(for file: TestFile) -> [String] {
    var folders: [String] = []
    var folder = Files.parent(of: file.path)
    // A fixture's own script stands in `fixtures` already.
    if folder.hasSuffix("/fixtures") { folders.append(folder) }
    while true {
      folders.append("\(folder)/fixtures")
      if folder == configuration.root || folder == "/" || (configuration.path == nil && folder == file.root) {
        break
      }
      folder = Files.parent(of: folder)
    }
    folders += ([file.root] + configuration.settings.tests).map { "\($0)/fixtures" }
    var seen: Set<String> = []
    return folders.filter { seen.insert($0).inserted }
  }
}
