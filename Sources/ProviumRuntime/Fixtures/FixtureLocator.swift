import ProviumSystem

/// Finds a fixture's script by name.
///
/// Searched first are the test's own folders: `fixtures/NAME.lua` beside the file that asks, in the folders above it up to
/// the folder of provium.toml (without provium.toml: up to the tests' root), and under each configured test folder. Then
/// the shared folders that `fixtures` in provium.toml names: a name that two of them have is ambiguous.
struct FixtureLocator {
  let configuration: Configuration

  /// - Throws: `FixtureError.unknown`, `.ambiguous` or `.noFolder`.
  func find(_ name: String, from search: FixtureSearch) throws -> Fixture {
    let own = ownFolders(search)
    if let source = own.lazy.compactMap({ script(name, in: $0) }).first { return Fixture(source: source) }
    let shared = configuration.settings.fixtureFolders
    for folder in shared where !Files.isDirectory(folder) {
      throw FixtureError.noFolder(path: folder, configuration: configuration.path)
    }
    let found = shared.compactMap { script(name, in: $0) }.uniqued()
    if found.count > 1 { throw FixtureError.ambiguous(name: name, sources: found.map { Files.display($0) }) }
    if let source = found.first { return self.fixture(source) }
    let folders = own + shared
    throw FixtureError.unknown(
      name: name,
      looked: folders.map { Files.display("\($0)/\(name).lua") },
      hint: NearestName.hint(for: name, among: folders.flatMap(names))
    )
  }

  /// Returns the fixture of a script: inside a shared folder, its name is its path in that folder.
  func fixture(_ source: String) -> Fixture {
    let source = Files.normalize(source)
    for folder in configuration.settings.fixtureFolders.sorted(by: { $0.utf8.count > $1.utf8.count })
    where source.hasPrefix("\(folder)/") && source.hasSuffix(".lua") {
      return Fixture(name: String(source.dropFirst(folder.count + 1).dropLast(4)), source: source)
    }
    return Fixture(source: source)
  }

  /// Whether a script is in a folder of fixtures: a script elsewhere is a test file.
  func isFixture(_ source: String) -> Bool {
    let source = Files.normalize(source)
    if configuration.settings.fixtureFolders.contains(where: { source.hasPrefix("\($0)/") }) { return true }
    // Folders above the project say nothing about its files.
    let root = configuration.root == "/" ? "" : configuration.root
    let inside = source.hasPrefix("\(root)/") ? String(source.dropFirst(root.count)) : source
    return inside.contains("/fixtures/")
  }

  private func script(_ name: String, in folder: String) -> String? {
    guard !name.isEmpty, !name.utf8.contains(0) else { return nil }
    let source = Files.normalize("\(folder)/\(name).lua")
    return Files.exists(source) && !Files.isDirectory(source) ? source : nil
  }

  private func names(in folder: String) -> [String] {
    ((try? Files.list(folder)) ?? []).filter { $0.hasSuffix(".lua") }.map { String($0.dropLast(4)) }
  }

  private func ownFolders(_ search: FixtureSearch) -> [String] {
    var folders: [String] = []
    var folder = search.folder
    // A fixture's own script is in such a folder already.
    if folder.hasSuffix("/fixtures") || configuration.settings.fixtureFolders.contains(folder) {
      folders.append(folder)
    }
    while true {
      folders.append("\(folder)/fixtures")
      if folder == configuration.root || folder == "/" || (configuration.path == nil && folder == search.root)
      {
        break
      }
      folder = Files.parent(of: folder)
    }
    folders += ([search.root] + configuration.settings.tests).map { "\($0)/fixtures" }
    return folders.uniqued()
  }
}
