import ProviumSystem

/// What people do with fixtures by name: `provium fixture`.
package struct FixtureAdministration {
  /// One fixture in the cache.
  package struct Entry: Sendable {
    package let name: String
    package let source: String
    /// Bytes on the disk.
    package let size: UInt64
    /// Seconds since 1970.
    package let builtAt: Double
    /// Why it would be built again; nil: it is current.
    package let stale: String?
  }

  private let engine: Engine

  package init(engine: Engine) { self.engine = engine }

  /// All that are kept.
  package func list() -> [Entry] {
    engine.fixtures.store.all().compactMap { place in
      guard let manifest = engine.fixtures.store.manifest(at: place) else { return nil }
      return Entry(
        name: manifest.name,
        source: manifest.source,
        size: FixtureStore.size(place),
        builtAt: manifest.builtAt,
        stale: staleness(of: manifest, at: place)
      )
    }
  }

  private func staleness(of manifest: FixtureManifest, at place: String) -> String? {
    do {
      return try engine.fixtures.staleness(
        of: manifest,
        at: place,
        for: session(for: manifest.source),
        mayBuild: false
      )?.reason
    } catch { return "\(error)" }
  }

  /// Which input changed since the last build; nil: none. Throws when it was never built.
  package func why(_ name: String) throws -> String? {
    let (source, place) = try find(name)
    guard let manifest = engine.fixtures.store.manifest(at: place) else { return "it was never built" }
    return staleness(of: manifest, at: place) ?? (manifest.source == source ? nil : "its script moved")
  }

  /// Builds it if it is not current, or in any case. Returns the seconds that the last build took.
  package func build(_ name: String, inAnyCase: Bool) throws -> Double {
    let (source, place) = try find(name)
    if inAnyCase { try engine.fixtures.store.remove(place) }
    return try engine.fixtures.current(name, for: session(for: source)).buildDuration
  }

  /// Removes one, or all; returns the bytes that are free again.
  package func clean(_ name: String?) throws -> UInt64 {
    let places = try name.map { [try find($0).place] } ?? engine.fixtures.store.all()
    return try places.reduce(0) { freed, place in
      let size = FixtureStore.size(place)
      try engine.fixtures.store.remove(place)
      return freed + size
    }
  }

  private func find(_ name: String) throws -> (source: String, place: String) {
    // As a test file in the current folder, or in one of the configured ones, would see it.
    let file = TestFile(
      name: "",
      path: "\(Files.currentDirectory)/_",
      root: engine.configuration.settings.tests.first ?? Files.currentDirectory
    )
    let source = try FixtureLocator(configuration: engine.configuration).find(name, for: file)
    return (source, engine.fixtures.store.place(name: name, source: source))
  }

  private func session(for source: String) -> FileSession {
    FileSession(
      file: TestFile(
        name: TestFile.display(source),
        path: source,
        root: Files.parent(of: Files.parent(of: source))
      ),
      owner: 0,
      engine: engine,
      selection: TestSelection(),
      timeout: engine.configuration.settings.timeout
    )
  }
}
