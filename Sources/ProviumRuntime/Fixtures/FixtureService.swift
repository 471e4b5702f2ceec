import Glibc
import ProviumMachine
import ProviumSystem

/// Gives out fixtures: current ones from the store, others built, once however many files ask.
package final class FixtureService: Sendable {
  private enum Slot {
    case building(by: String)
    case ready(FixtureManifest)
    case failed(any Error & Sendable)
  }

  /// Why a kept fixture is not used.
  package struct Staleness: Sendable, Hashable {
    package let reason: String
    /// Its files, not its inputs: something happened to it, and people should know.
    package let isDamage: Bool
  }

  package let store: FixtureStore
  private let slots = Monitor<[String: Slot]>([:])
  /// Nothing that was kept between runs is used.
  private let isFresh: Bool

  init(store: FixtureStore, isFresh: Bool) {
    self.store = store
    self.isFresh = isFresh
  }

  /// The fixture of that name, current. Builds it on this thread if it must; waits while another thread or process does.
  func current(_ name: String, for session: FileSession) throws -> FixtureManifest {
    let source = try FixtureLocator(configuration: session.engine.configuration).find(name, for: session.file)
    let place = store.place(name: name, source: source)
    if let start = session.fixtureChain.firstIndex(where: { $0.place == place }) {
      throw FixtureError.circular(chain: session.fixtureChain[start...].map(\.name) + [name])
    }
    let known = try takeSlot(place, name: name, session)
    if let known { return known }
    do {
      let manifest = try session.outsideTimeLimit {
        try makeCurrent(name, source: source, place: place, session)
      }
      slots.update { $0[place] = .ready(manifest) }
      return manifest
    } catch {
      let failure = session.isInterrupted ? nil : FixtureError.buildFailed(name: name, reason: "\(error)")
      // An interrupted build says nothing of the fixture.
      slots.update { $0[place] = failure.map { .failed($0) } }
      throw failure ?? error
    }
  }

  /// The manifest, if another thread has made it; nil when this thread is to make it.
  private func takeSlot(_ place: String, name: String, _ session: FileSession) throws -> FixtureManifest? {
    var said = false
    while true {
      let slice = min(session.scriptDeadline, .after(.milliseconds(100)))
      let result = slots.wait(until: slice) { slots -> Result<FixtureManifest?, any Error>? in
        switch slots[place] {
        case nil:
          slots[place] = .building(by: session.file.name)
          return .success(nil)
        case .ready(let manifest): return .success(manifest)
        case .failed(let error): return .failure(error)
        case .building(let builder):
          if !said { session.activity("waiting for the fixture \(name), which \(builder) builds") }
          said = true
          return nil
        }
      }
      if let result { return try result.get() }
      if session.isInterrupted || session.scriptDeadline.isExpired {
        throw HarnessFault("the fixture \(name) was not ready in time", isTimeout: true)
      }
    }
  }

  private func makeCurrent(
    _ name: String,
    source: String,
    place: String,
    _ session: FileSession
  ) throws -> FixtureManifest {
    let lock = try store.lock(place, until: .after(.seconds(1800))) { holder in
      session.activity("waiting for the fixture \(name)\(holder.isEmpty ? "" : " (\(holder))")")
    }
    _ = lock
    if !isFresh, let kept = store.manifest(at: place) {
      guard let staleness = try staleness(of: kept, at: place, for: session) else {
        store.touch(place)
        return kept
      }
      if staleness.isDamage {
        session.engine.warnOnce(
          "fixture \(name) is built again: \(staleness.reason)",
          file: session.file.name
        )
      }
    }
    session.activity("building the fixture \(name)")
    return try FixtureBuilder(name: name, source: source, place: place, store: store).build(for: session)
  }

  /// Every host file that went into a fixture, or into those that it starts from.
  func sources(of manifest: FixtureManifest, for session: FileSession) -> Set<String> {
    var paths: Set<String> = [manifest.source]
    for input in manifest.inputs {
      switch input.kind {
      case .source, .loaded, .file: paths.insert(input.location)
      case .base:
        let locator = FixtureLocator(configuration: session.engine.configuration)
        guard let source = try? locator.find(input.location, for: session.file),
          let base = store.manifest(at: store.place(name: input.location, source: source))
        else { continue }
        paths.formUnion(sources(of: base, for: session))
      case .value: break
      }
    }
    return paths.subtracting([""])
  }

  /// Looks at every fixture's inputs again when it is next asked for: time has passed since the last run.
  package func lookAgain() {
    slots.update { slots in
      slots = slots.filter { if case .building = $0.value { true } else { false } }
    }
  }

  /// The first reason why a kept fixture is not what building it now would give; nil when there is none.
  /// - Parameter mayBuild: fixtures that it starts from are made current first; else only looked at.
  func staleness(
    of manifest: FixtureManifest,
    at place: String,
    for session: FileSession,
    mayBuild: Bool = true
  ) throws -> Staleness? {
    if let alteration = manifest.firstAlteration(in: place) {
      return Staleness(reason: alteration, isDamage: true)
    }
    let host = try session.engine.host()
    let qemu = try host.qemu(for: manifest.snapshot.conditions.architecture)
    if let difference = manifest.snapshot.conditions.difference(from: .now(qemu: qemu, host: host)) {
      return Staleness(reason: difference, isDamage: false)
    }
    for input in manifest.inputs {
      if let change = try change(of: input, for: session, mayBuild: mayBuild) {
        return Staleness(reason: change, isDamage: false)
      }
    }
    return nil
  }

  private func change(of input: FixtureInput, for session: FileSession, mayBuild: Bool) throws -> String? {
    switch input.kind {
    case .source, .loaded, .file:
      guard Files.exists(input.location) else { return "\(input.name) (\(input.location)) is gone" }
      let now = try session.engine.digests.digest(input.location)
      return now == input.value ? nil : "\(input.name) (\(TestFile.display(input.location))) changed"
    case .base:
      if !mayBuild, let reason = try staleness(ofBase: input.location, for: session) {
        return "the fixture \(input.location), from which it starts, would be built again: \(reason)"
      }
      let base = try current(input.location, for: session)
      return base.key == input.value
        ? nil : "the fixture \(input.location), from which it starts, was built again"
    case .value:
      let now = FixtureInput.presentValues[input.name] ?? ""
      return now == input.value ? nil : "\(input.name) was \(input.value), and is \(now)"
    }
  }

  private func staleness(ofBase name: String, for session: FileSession) throws -> String? {
    let source = try FixtureLocator(configuration: session.engine.configuration).find(name, for: session.file)
    let place = store.place(name: name, source: source)
    guard let manifest = store.manifest(at: place) else { return "it is not there" }
    return try staleness(of: manifest, at: place, for: session, mayBuild: false)?.reason
  }
}
