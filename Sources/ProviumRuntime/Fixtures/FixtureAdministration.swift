import ProviumSystem

/// Lists, builds, checks and removes fixtures by name: `provium fixture`.
package struct FixtureAdministration {
  /// One fixture in the cache.
  package struct Entry: Sendable {
    package let name: String
    /// Whether it is the lab of the script, not its VM.
    package let isLab: Bool
    package let source: String
    /// Bytes on the disk.
    package let size: UInt64
    /// Seconds since 1970.
    package let builtAt: Double
    /// Why it would be rebuilt; nil: it is current.
    package let stale: String?
  }

  private let fixtures: FixtureService
  private let services: EngineServices
  private var store: FixtureStore { fixtures.store }

  package init(_ fixtures: FixtureService, services: EngineServices) {
    self.fixtures = fixtures
    self.services = services
  }

  /// Returns all kept fixtures.
  package func list() -> [Entry] {
    store.places().compactMap { place in
      guard let manifest = store.manifest(at: place) else { return damaged(place) }
      return Entry(
        name: manifest.name,
        isLab: manifest.lab != nil,
        source: manifest.source,
        size: FixtureStore.size(place),
        builtAt: manifest.builtAt,
        stale: staleness(of: manifest, at: place)
      )
    }
  }

  /// A fixture that takes room but cannot be used. Only its folder's name tells its name.
  private func damaged(_ place: String) -> Entry? {
    guard case .unusable(let reason, _) = store.kept(at: place) else { return nil }
    return Entry(
      name: FixtureStore.name(at: place),
      isLab: false,
      source: place,
      size: FixtureStore.size(place),
      builtAt: (try? FileFacts(place)).map { Double($0.modifiedNanoseconds) / 1e9 } ?? 0,
      stale: reason
    )
  }

  private func staleness(of manifest: FixtureManifest, at place: String) -> String? {
    do {
      var check = StalenessCheck(store: store, services: services)
      // Projects may share a cache.
      check.isOwnProject = manifest.project == services.configuration.path ?? ""
      switch try check.verdict(of: manifest) {
      case .stale(let staleness): return staleness.reason
      case .current(let verified):
        if verified != manifest, let lock = try? FileLock.tryAcquire("\(place).lock") {
          try? store.update(verified, at: place)
          _ = lock
        }
        return nil
      }
    } catch { return "\(error)" }
  }

  /// Returns the input that changed since the last build; nil: none.
  /// - Parameter asLab: asks about the lab of the script instead.
  /// - Throws: `FixtureError.unknown` when there is no such fixture.
  package func why(_ name: String, asLab: Bool = false) throws -> String? {
    let fixture = try find(name)
    let place = store.place(of: asLab ? fixture.lab : fixture)
    switch store.kept(at: place) {
    case .nothing: return "it was never built"
    case .unusable(let reason, _): return reason
    case .fixture(let manifest): return staleness(of: manifest, at: place)
    }
  }

  /// Builds a fixture if it is stale.
  /// - Parameters:
  ///   - force: rebuilds it even if it is up to date.
  ///   - asLab: builds the lab of the script instead.
  /// - Returns: the seconds that the last build took.
  package func build(_ name: String, force: Bool, asLab: Bool = false) throws -> Double {
    let found = try find(name)
    let fixture = asLab ? found.lab : found
    return try fixtures.buildIfStale(fixture, for: scope(for: fixture.source), force: force)
      .manifest.buildDuration
  }

  /// The result of `clean`.
  package struct Cleaned: Sendable {
    /// Bytes freed.
    package var freed: UInt64 = 0
    /// Names of the fixtures that were not removed, since a process holds or builds them.
    package var busy: [String] = []
  }

  /// Removes a fixture; nil: all fixtures.
  package func clean(_ name: String?) throws -> Cleaned {
    var cleaned = Cleaned()
    for place in try name.map(places(of:)) ?? store.places() {
      let size = FixtureStore.size(place)
      let known = store.manifest(at: place)?.name
      if try store.remove(place) {
        cleaned.freed += size
      } else {
        cleaned.busy.append(known ?? Files.display(place))
      }
    }
    return cleaned
  }

  /// The fixture that the name means here, and fixtures of that name whose scripts do not exist any more.
  private func places(of name: String) throws -> [String] {
    let orphans = store.places().filter { place in
      guard let manifest = store.manifest(at: place) else { return false }
      return manifest.name == name && !Files.exists(manifest.source)
    }
    do {
      let fixture = try find(name)
      return [store.place(of: fixture), store.place(of: fixture.lab)] + orphans
    } catch  where !orphans.isEmpty {
      return orphans
    }
  }

  /// - Parameter name: a name as a test file in the current folder, or in a configured one, would write it; or the path of the
  ///   script, for other fixtures.
  private func find(_ name: String) throws -> Fixture {
    let locator = FixtureLocator(configuration: services.configuration)
    let path = Files.normalize(Files.resolve(name, against: Files.currentDirectory))
    let script = path.hasSuffix(".lua") ? path : "\(path).lua"
    // A test file may have the same name.
    if locator.isFixture(script), Files.exists(script) { return locator.fixture(script) }
    let search = FixtureSearch(
      folder: Files.currentDirectory,
      root: services.configuration.settings.tests.first ?? Files.currentDirectory
    )
    return try locator.find(name, from: search)
  }

  /// The scope in which a fixture is built for no test.
  private func scope(for source: String) -> MachineScope {
    let folder = Files.parent(of: source)
    return MachineScope(
      ScopeControl(name: Files.display(source), owner: 0, services: services),
      fixtureSearch: FixtureSearch(folder: folder, root: Files.parent(of: folder))
    )
  }
}
