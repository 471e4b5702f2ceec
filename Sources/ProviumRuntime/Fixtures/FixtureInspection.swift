import ProviumVM
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
  let engine: Engine
  /// False where the fixture belongs to another project: its profiles are not ours.
  var comparesProfiles = true

  /// The first reason why it is not what building it now would give; nil when there is none.
  /// - Parameter base: gives a fixture that it would start from; nil: what is kept is looked at, and nothing is built.
  func staleness(
    of manifest: FixtureManifest,
    base: ((LocatedFixture) throws -> FixtureManifest)? = nil
  ) throws -> FixtureStaleness? {
    try staleness(of: manifest, base: base, seen: [])
  }

  /// - Parameter seen: scripts of the fixtures that start from it, by way of others.
  private func staleness(
    of manifest: FixtureManifest,
    base: ((LocatedFixture) throws -> FixtureManifest)?,
    seen: [String]
  ) throws -> FixtureStaleness? {
    if let alteration = manifest.firstAlteration() {
      return FixtureStaleness(reason: alteration, isDamage: true)
    }
    let host = try engine.host()
    let qemu = try host.qemu(for: manifest.snapshot.conditions.architecture)
    if let difference = manifest.snapshot.conditions.difference(
      from: try manifest.snapshot.presentConditions(qemu: qemu, host: host)
    ) {
      return FixtureStaleness(reason: difference, isDamage: false)
    }
    for input in manifest.inputs {
      if let change = try change(of: input, in: manifest, base: base, seen: seen) {
        return FixtureStaleness(reason: change, isDamage: false)
      }
    }
    return nil
  }

  private func change(
    of input: FixtureInput,
    in manifest: FixtureManifest,
    base: ((LocatedFixture) throws -> FixtureManifest)?,
    seen: [String]
  ) throws -> String? {
    switch input.kind {
    case .source, .loaded, .file:
      let shown = "\(input.name) (\(Files.display(input.location)))"
      guard Files.exists(input.location) else { return "\(shown) is gone" }
      do {
        return try engine.digests.digest(input.location) == input.value ? nil : "\(shown) changed"
      } catch { return "\(shown) cannot be read any more: \(error)" }
    case .absent:
      let isThere = Files.exists(input.location) && !Files.isDirectory(input.location)
      return isThere ? "\(Files.display(input.location)) is there now, and is loaded first" : nil
    case .base:
      let found = try FixtureLocator(configuration: engine.configuration).find(
        input.name,
        for: manifest.script
      )
      guard found.source == input.location else {
        return "the fixture \(input.name), from which it starts, was \(Files.display(input.location)), "
          + "and is \(Files.display(found.source))"
      }
      let now: FixtureManifest
      if let base {
        now = try base(found)
      } else {
        let (reason, kept) = try lookAtBase(found, seen: seen + [manifest.source])
        guard let kept else { return reason }
        now = kept
      }
      return now.key == input.value
        ? nil : "the fixture \(input.name), from which it starts, was built again"
    case .profile:
      guard comparesProfiles else { return nil }
      let now = FixtureInput.profileValues(input.location, of: engine)[input.name] ?? "not there"
      return now == input.value
        ? nil : "\(input.name) of the profile \(input.location) was \(input.value), and is \(now)"
    case .value:
      let now = FixtureInput.presentValues[input.name] ?? "not there"
      return now == input.value ? nil : "\(input.name) was \(input.value), and is \(now)"
    }
  }

  /// The base that is kept, if it would be used; else why not.
  private func lookAtBase(_ base: LocatedFixture, seen: [String]) throws -> (
    reason: String?, FixtureManifest?
  ) {
    guard !seen.contains(base.source) else {
      throw FixtureError.circular(chain: (seen + [base.source]).map { LocatedFixture(source: $0).name })
    }
    let reason: String
    switch store.kept(at: store.place(of: base)) {
    case .nothing: reason = "it is not there"
    case .unusable(let why, _): reason = why
    case .fixture(let manifest):
      guard let staleness = try staleness(of: manifest, base: nil, seen: seen) else { return (nil, manifest) }
      reason = staleness.reason
    }
    return ("the fixture \(base.name), from which it starts, would be built again: \(reason)", nil)
  }

  /// Every host file that went into a fixture, or into those that it starts from.
  func sources(of manifest: FixtureManifest) -> Set<String> {
    var (paths, open): (Set<String>, [FixtureManifest]) = ([], [manifest])
    while let next = open.popLast() {
      guard paths.insert(next.source).inserted else { continue }
      for input in next.inputs {
        switch input.kind {
        case .source, .loaded, .absent, .file: paths.insert(input.location)
        case .base:
          if let base = store.manifest(at: store.place(of: LocatedFixture(source: input.location))) {
            open.append(base)
          }
        case .profile, .value: break
        }
      }
    }
    return paths.subtracting([""])
  }
}
