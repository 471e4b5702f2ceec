import ProviumMachine
import ProviumSystem

/// Why a kept fixture is not used.
struct FixtureStaleness: Sendable, Hashable {
  let reason: String
  /// Its files, not its inputs: something happened to it, and people should know.
  let isDamage: Bool
}

/// Compares a kept fixture with the present: its files, its conditions, and everything that it came from.
struct FixtureInspection {
  let store: FixtureStore
  /// For whom: names of fixtures mean what they mean to this one's file.
  let session: FileSession
  /// False where the fixture belongs to another project: its profiles are not ours.
  var comparesProfiles = true

  /// The first reason why it is not what building it now would give; nil when there is none.
  /// - Parameter base: gives the fixture of that name that it would start from; nil: what is kept is looked at, and nothing
  ///   is built.
  func staleness(
    of manifest: FixtureManifest,
    base: ((String) throws -> FixtureManifest)? = nil
  ) throws -> FixtureStaleness? {
    if let alteration = manifest.firstAlteration() {
      return FixtureStaleness(reason: alteration, isDamage: true)
    }
    let host = try session.engine.host()
    let qemu = try host.qemu(for: manifest.snapshot.conditions.architecture)
    if let difference = manifest.snapshot.conditions.difference(from: .now(qemu: qemu, host: host)) {
      return FixtureStaleness(reason: difference, isDamage: false)
    }
    for input in manifest.inputs {
      if let change = try change(of: input, base: base) {
        return FixtureStaleness(reason: change, isDamage: false)
      }
    }
    return nil
  }

  private func change(of input: FixtureInput, base: ((String) throws -> FixtureManifest)?) throws -> String? {
    switch input.kind {
    case .source, .loaded, .file:
      let shown = "\(input.name) (\(TestFile.display(input.location)))"
      guard Files.exists(input.location) else { return "\(shown) is gone" }
      do {
        return try session.engine.digests.digest(input.location) == input.value ? nil : "\(shown) changed"
      } catch { return "\(shown) cannot be read any more: \(error)" }
    case .base:
      let now: FixtureManifest
      if let base {
        now = try base(input.location)
      } else {
        let (reason, kept) = try lookAtBase(input.location)
        guard let kept else { return reason }
        now = kept
      }
      return now.key == input.value
        ? nil : "the fixture \(input.location), from which it starts, was built again"
    case .profile:
      guard comparesProfiles else { return nil }
      let now = FixtureInput.profileValues(input.location, of: session.engine)[input.name] ?? "not there"
      return now == input.value
        ? nil : "\(input.name) of the profile \(input.location) was \(input.value), and is \(now)"
    case .value:
      let now = FixtureInput.presentValues[input.name] ?? "not there"
      return now == input.value ? nil : "\(input.name) was \(input.value), and is \(now)"
    }
  }

  /// The base that is kept, if it would be used; else why not.
  private func lookAtBase(_ name: String) throws -> (reason: String?, FixtureManifest?) {
    let source = try FixtureLocator(configuration: session.engine.configuration).find(name, for: session.file)
    let reason: String
    switch store.kept(at: store.place(name: name, source: source)) {
    case .nothing: reason = "it is not there"
    case .unusable(let why, _): reason = why
    case .fixture(let manifest):
      guard let staleness = try staleness(of: manifest) else { return (nil, manifest) }
      reason = staleness.reason
    }
    return ("the fixture \(name), from which it starts, would be built again: \(reason)", nil)
  }

  /// Every host file that went into a fixture, or into those that it starts from.
  func sources(of manifest: FixtureManifest) -> Set<String> {
    var paths: Set<String> = [manifest.source]
    for input in manifest.inputs {
      switch input.kind {
      case .source, .loaded, .file: paths.insert(input.location)
      case .base:
        let locator = FixtureLocator(configuration: session.engine.configuration)
        guard let source = try? locator.find(input.location, for: session.file),
          let base = store.manifest(at: store.place(name: input.location, source: source))
        else { continue }
        paths.formUnion(sources(of: base))
      case .profile, .value: break
      }
    }
    return paths.subtracting([""])
  }
}
