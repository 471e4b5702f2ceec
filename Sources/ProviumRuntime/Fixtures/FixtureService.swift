import Glibc
import ProviumMachine
import ProviumSystem

/// A fixture that is ready to be resumed, and held against removal.
struct ReadyFixture: Sendable {
  let manifest: FixtureManifest
  let use: FixtureUse
}

/// Gives out fixtures: current ones from the store, others built, once however many files ask.
package final class FixtureService: Sendable {
  private enum Slot {
    /// `owner`: as the resource pool knows the builder. `waitsFor`: the place of the fixture that the builder itself waits for
    /// at the moment.
    case building(by: String, owner: PoolOwner, waitsFor: String?)
    case ready(ReadyFixture)
    case failed(any Error & Sendable)
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
  /// - Parameter inAnyCase: what was kept is not looked at.
  func current(_ name: String, for session: FileSession, inAnyCase: Bool = false) throws -> ReadyFixture {
    let source = try FixtureLocator(configuration: session.engine.configuration).find(name, for: session.file)
    let place = store.place(name: name, source: source)
    if let start = session.fixtureChain.firstIndex(where: { $0.place == place }) {
      throw FixtureError.circular(chain: session.fixtureChain[start...].map(\.name) + [name])
    }
    return try session.outsideTimeLimit {
      if let ready = try takeSlot(place, name: name, session) { return ready }
      do {
        let ready = try makeCurrent(name, source: source, place: place, inAnyCase: inAnyCase, session)
        slots.update { $0[place] = .ready(ready) }
        return ready
      } catch {
        let kind = (error as? BrokenScript)?.kind ?? (error as? HarnessFault)?.kind ?? .harness
        let failure =
          session.isInterrupted
          ? nil : FixtureError.buildFailed(name: name, reason: "\(error)", kind: kind)
        // An interrupted build says nothing of the fixture.
        slots.update { $0[place] = failure.map { .failed($0) } }
        throw failure ?? error
      }
    }
  }

  /// It looked whole, and yet no machine came of it: it is built again, once in a run, and whoever asks next gets that.
  func rebuild(_ name: String, instead ready: ReadyFixture, because reason: String, for session: FileSession)
    throws -> ReadyFixture
  {
    let source = try FixtureLocator(configuration: session.engine.configuration).find(name, for: session.file)
    let place = store.place(name: name, source: source)
    let isMine = slots.update { slots -> Bool in
      guard case .ready(let known) = slots[place], known.manifest.key == ready.manifest.key else {
        return false
      }
      slots[place] = nil
      return true
    }
    if isMine { warn(name, "it could not be resumed: \(reason)", session) }
    return try current(name, for: session, inAnyCase: isMine)
  }

  /// Whoever builds it will not come back: those who wait are told.
  func giveUp(_ place: String, name: String, because reason: String) {
    slots.update { slots in
      guard case .building = slots[place] else { return }
      slots[place] = .failed(FixtureError.buildFailed(name: name, reason: reason, kind: .harness))
    }
  }

  private func warn(_ name: String, _ reason: String, _ session: FileSession) {
    session.engine.warnOnce("fixture \(name) is built again: \(reason)", file: session.file.name)
  }

  /// The fixture, if another thread has made it; nil when this thread is to make it.
  private func takeSlot(_ place: String, name: String, _ session: FileSession) throws -> ReadyFixture? {
    var said = false
    defer {
      if said {
        note(session, waitsFor: nil)
        session.engine.pool.endWait(of: session.owner)
      }
    }
    while true {
      let result = slots.wait(until: .after(.milliseconds(100))) {
        slots -> Result<ReadyFixture?, any Error>? in
        switch slots[place] {
        case nil:
          slots[place] = .building(by: session.file.name, owner: session.owner, waitsFor: nil)
          return .success(nil)
        case .ready(let ready): return .success(ready)
        case .failed(let error): return .failure(error)
        case .building(let builder, let owner, _):
          if Self.waits(place, for: session, in: slots) {
            return .failure(FixtureError.circular(chain: session.fixtureChain.map(\.name) + [name]))
          }
          if let mine = session.fixtureChain.last?.place, case .building(let me, let owner, _) = slots[mine] {
            slots[mine] = .building(by: me, owner: owner, waitsFor: place)
          }
          session.engine.pool.noteWait(
            of: session.owner,
            for: owner,
            what: "the fixture \(name), which \(builder) builds"
          )
          if !said { session.activity("waiting for the fixture \(name), which \(builder) builds") }
          said = true
          return nil
        }
      }
      if let result { return try result.get() }
      if session.isInterrupted { throw FixtureError.interrupted }
    }
  }

  /// Whether the builder at `place`, by way of others, waits for one that this session builds: two files that start from
  /// each other's fixtures, each on its own thread, would wait for ever.
  private static func waits(_ place: String, for session: FileSession, in slots: [String: Slot]) -> Bool {
    let mine = Set(session.fixtureChain.map(\.place))
    var (next, seen): (String?, Set<String>) = (place, [])
    while let here = next, seen.insert(here).inserted, case .building(_, _, let further) = slots[here] {
      if let further, mine.contains(further) { return true }
      next = further
    }
    return false
  }

  private func note(_ session: FileSession, waitsFor place: String?) {
    guard let mine = session.fixtureChain.last?.place else { return }
    slots.update {
      if case .building(let me, let owner, _) = $0[mine] {
        $0[mine] = .building(by: me, owner: owner, waitsFor: place)
      }
    }
  }

  private func makeCurrent(
    _ name: String,
    source: String,
    place: String,
    inAnyCase: Bool,
    _ session: FileSession
  ) throws -> ReadyFixture {
    let lock = try store.lock(
      place,
      until: .after(.seconds(1800)),
      waiting: { holder in
        session.activity("waiting for the fixture \(name)\(holder.isEmpty ? "" : ", which \(holder) builds")")
      },
      isCancelled: { session.isInterrupted }
    )
    _ = lock
    if !isFresh, !inAnyCase, let ready = try kept(name, at: place, for: session) { return ready }
    session.activity("building the fixture \(name)")
    let manifest = try FixtureBuilder(name: name, source: source, place: place, store: store).build(
      for: session
    )
    guard let use = FixtureUse(of: manifest) else {
      throw FixtureError.store(path: store.folder, reason: "\(manifest.snapshot.folder) went away")
    }
    store.makeRoom(keeping: place)
    return ReadyFixture(manifest: manifest, use: use)
  }

  /// What was kept, if it is current. Damage is said; the caller holds the fixture's lock.
  private func kept(_ name: String, at place: String, for session: FileSession) throws -> ReadyFixture? {
    switch store.kept(at: place) {
    case .nothing: return nil
    case .unusable(let reason, let isDamage):
      if isDamage { warn(name, reason, session) }
      return nil
    case .fixture(let manifest):
      // Held before it is looked at: what was found whole stays.
      let use = FixtureUse(of: manifest)
      let inspection = FixtureInspection(store: store, session: session)
      if let staleness = try inspection.staleness(
        of: manifest,
        base: { try self.current($0, for: session).manifest }
      ) {
        if staleness.isDamage { warn(name, staleness.reason, session) }
        return nil
      }
      guard let use else { return nil }
      store.touch(place)
      // A build that was replaced while somebody used it.
      store.sweep(place)
      return ReadyFixture(manifest: manifest, use: use)
    }
  }

  /// Looks at every fixture's inputs again when it is next asked for: time has passed since the last run.
  package func lookAgain() {
    slots.update { slots in
      slots = slots.filter { if case .building = $0.value { true } else { false } }
    }
  }
}
