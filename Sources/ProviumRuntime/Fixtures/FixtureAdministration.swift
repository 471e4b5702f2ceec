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
    engine.fixtures.store.places().compactMap { place in
      guard let manifest = engine.fixtures.store.manifest(at: place) else { return damaged(place) }
      return Entry(
        name: manifest.name,
        source: manifest.source,
        size: FixtureStore.size(place),
        builtAt: manifest.builtAt,
        stale: staleness(of: manifest)
      )
    }
  }

  /// What takes room and cannot be used is shown too; only its folder's name tells what it was.
  private func damaged(_ place: String) -> Entry? {
    guard case .unusable(let reason, _) = engine.fixtures.store.kept(at: place) else { return nil }
    return Entry(
      name: FixtureStore.name(at: place),
      source: place,
      size: FixtureStore.size(place),
      builtAt: (try? FileFacts(place)).map { Double($0.modifiedNanoseconds) / 1e9 } ?? 0,
      stale: reason
    )
  }

  private func staleness(of manifest: FixtureManifest) -> String? {
    do {
      var inspection = FixtureInspection(store: engine.fixtures.store, engine: engine)
      // Projects share a cache.
      inspection.comparesProfiles = manifest.project == engine.configuration.path ?? ""
      return try inspection.staleness(of: manifest)?.reason
    } catch { return "\(error)" }
  }

  /// Which input changed since the last build; nil: none. Throws when there is no such fixture.
  package func why(_ name: String) throws -> String? {
    switch engine.fixtures.store.kept(at: engine.fixtures.store.place(of: try find(name))) {
    case .nothing: return "it was never built"
    case .unusable(let reason, _): return reason
    case .fixture(let manifest): return staleness(of: manifest)
    }
  }

  /// Builds it if it is not current, or in any case. Returns the seconds that the last build took.
  package func build(_ name: String, inAnyCase: Bool) throws -> Double {
    let fixture = try find(name)
    return try engine.fixtures.current(fixture, for: session(for: fixture.source), inAnyCase: inAnyCase)
      .manifest.buildDuration
  }

  /// What `clean` came to.
  package struct Cleaned: Sendable {
    /// Bytes that are free again.
    package var freed: UInt64 = 0
    /// Names of those that another process uses or builds: they stay.
    package var busy: [String] = []
  }

  /// Removes one, or all.
  package func clean(_ name: String?) throws -> Cleaned {
    var cleaned = Cleaned()
    for place in try name.map(places(of:)) ?? engine.fixtures.store.places() {
      let size = FixtureStore.size(place)
      let known = engine.fixtures.store.manifest(at: place)?.name
      if try engine.fixtures.store.remove(place) {
        cleaned.freed += size
      } else {
        cleaned.busy.append(known ?? Files.display(place))
      }
    }
    return cleaned
  }

  /// Of the script that the name means here, and of scripts that are gone.
  private func places(of name: String) throws -> [String] {
    let orphans = engine.fixtures.store.places().filter { place in
      guard let manifest = engine.fixtures.store.manifest(at: place) else { return false }
      return manifest.name == name && !Files.exists(manifest.source)
    }
    do { return [engine.fixtures.store.place(of: try find(name))] + orphans } catch  where !orphans.isEmpty {
      return orphans
    }
  }

  /// - Parameter name: as a test file in the current folder, or in one of the configured ones, would say it; or the path of
  ///   the script, for a fixture that neither of them sees.
  private func find(_ name: String) throws -> LocatedFixture {
    let path = Files.normalize(Files.resolve(name, against: Files.currentDirectory))
    let script = path.hasSuffix(".lua") ? path : "\(path).lua"
    // A test file of the same name is no fixture.
    if script.contains("/fixtures/"), Files.exists(script) { return LocatedFixture(source: script) }
    let file = TestFile(
      name: "",
      path: "\(Files.currentDirectory)/_",
      root: engine.configuration.settings.tests.first ?? Files.currentDirectory
    )
    return try FixtureLocator(configuration: engine.configuration).find(name, for: file)
  }

  private func session(for source: String) -> FileSession {
    FileSession(
      file: TestFile(
        name: Files.display(source),
        path: source,
        root: Files.parent(of: Files.parent(of: source))
      ),
      owner: 0,
      engine: engine,
      filter: .all,
      timeout: engine.configuration.settings.timeout
    )
  }
}
