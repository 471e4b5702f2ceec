import Glibc
import ProviumVM
import ProviumSystem
import Synchronization

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
    case failed(FixtureError)
  }

  package let store: FixtureStore
  private let slots = Monitor<[String: Slot]>([:])
  private struct History {
    /// The builds that spares may have been made of, by place.
    var latest: [String: Snapshot] = [:]
    /// Places of those that were whole, of no use, and built again in this run.
    var rebuilt: Set<String> = []
  }
  private let history = Mutex(History())
  /// Nothing that was kept between runs is used.
  private let isFresh: Bool

  init(store: FixtureStore, isFresh: Bool) {
    self.store = store
    self.isFresh = isFresh
  }

  /// The fixture of that name, as the session's file means it, current. Builds it on this thread if it must; waits while
  /// another thread or process does.
  func current(_ name: String, for session: FileSession) throws -> ReadyFixture {
    try current(
      FixtureLocator(configuration: session.engine.configuration).find(name, for: session.file),
      for: session
    )
  }

  /// - Parameter inAnyCase: what was kept is not looked at.
  func current(_ fixture: LocatedFixture, for session: FileSession, inAnyCase: Bool = false) throws
    -> ReadyFixture
  {
    let place = store.place(of: fixture)
    if let start = session.fixtureChain.firstIndex(where: { $0.place == place }) {
      throw FixtureError.circular(chain: session.fixtureChain[start...].map(\.name) + [fixture.name])
    }
    return try session.outsideTimeLimit {
      if let ready = try takeSlot(place, name: fixture.name, session) { return ready }
      do {
        let ready = try makeCurrent(fixture, place: place, inAnyCase: inAnyCase, session)
        settle(ready, at: place, session)
        return ready
      } catch {
        let failure = session.isInterrupted ? nil : FixtureError.buildFailed(fixture.name, because: error)
        // An interrupted build says nothing of the fixture.
        slots.update { $0[place] = failure.map { .failed($0) } }
        throw failure ?? error
      }
    }
  }

  /// From now on everybody gets this one. Of the one before it no spare is wanted any more.
  private func settle(_ ready: ReadyFixture, at place: String, _ session: FileSession) {
    slots.update { $0[place] = .ready(ready) }
    let snapshot = ready.manifest.snapshot
    let former = history.withLock { $0.latest.updateValue(snapshot, forKey: place) }
    if let former, former != snapshot { session.engine.warmPool.forget(former) }
  }

  /// It looked whole, and yet no machine came of it: it is built again, once in a run, and whoever asks next gets that.
  /// - Throws: `FixtureError.unusable` where that was in vain.
  func rebuild(
    _ fixture: LocatedFixture,
    instead ready: ReadyFixture,
    because reason: String,
    for session: FileSession
  )
    throws -> ReadyFixture
  {
    let place = store.place(of: fixture)
    // Whoever waits meanwhile for its slot gets what comes of this.
    let isMine = try slots.update { slots -> Bool in
      guard case .ready(let known) = slots[place], known.manifest.key == ready.manifest.key else {
        return false
      }
      guard history.withLock({ $0.rebuilt.insert(place).inserted }) else {
        throw FixtureError.unusable(name: fixture.name, reason: reason)
      }
      slots[place] = nil
      return true
    }
    if isMine { warn(fixture.name, "it could not be resumed: \(reason)", session) }
    return try current(fixture, for: session, inAnyCase: isMine)
  }

  /// A file is run again because of a fault of the harness: builds that failed by one get another chance.
  package func forgetFaults() {
    slots.update { slots in
      slots = slots.filter { if case .failed(let error) = $0.value { error.kind != .infrastructure } else { true } }
    }
  }

  /// Whoever builds it will not come back: those who wait are told.
  func giveUp(_ place: String, name: String, because reason: String) {
    slots.update { slots in
      guard case .building = slots[place] else { return }
      slots[place] = .failed(FixtureError.buildFailed(name: name, reason: reason, kind: .infrastructure))
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
      var isFirst = false
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
          isFirst = !said
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
      if isFirst { note(session, waitsFor: place) }
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
    // For processes that wait for ours.
    store.note(mine, waitsFor: place)
  }

  private func makeCurrent(
    _ fixture: LocatedFixture,
    place: String,
    inAnyCase: Bool,
    _ session: FileSession
  ) throws -> ReadyFixture {
    let lock = try store.lock(
      place,
      until: .after(.seconds(1800)),
      holding: session.fixtureChain.map(\.place),
      waiting: { holder in
        let who = holder.isEmpty ? "" : ", which \(holder) builds"
        session.activity("waiting for the fixture \(fixture.name)\(who)")
      },
      isCancelled: { session.isInterrupted }
    )
    _ = lock
    if !isFresh, !inAnyCase, let ready = try kept(fixture, at: place, for: session) { return ready }
    session.activity("building the fixture \(fixture.name)")
    let manifest = try FixtureBuilder(fixture: fixture, place: place, store: store).build(for: session)
    guard let use = FixtureUse(of: manifest) else {
      throw FixtureError.store(path: store.folder, reason: "\(manifest.snapshot.folder) went away")
    }
    store.makeRoom(keeping: place)
    return ReadyFixture(manifest: manifest, use: use)
  }

  /// What was kept, if it is current. Damage is said; the caller holds the fixture's lock.
  private func kept(_ fixture: LocatedFixture, at place: String, for session: FileSession) throws
    -> ReadyFixture?
  {
    switch store.kept(at: place) {
    case .nothing: return nil
    case .unusable(let reason, let isDamage):
      if isDamage { warn(fixture.name, reason, session) }
      return nil
    case .fixture(let manifest):
      // Held before it is looked at: what was found whole stays.
      let use = FixtureUse(of: manifest)
      let inspection = FixtureInspection(store: store, engine: session.engine)
      // Whatever is built for the look is built for this fixture: it may not ask for it again.
      let looking = session.session(for: fixture, place: place, file: manifest.script)
      let staleness = try session.running(looking) {
        try inspection.staleness(of: manifest) { try self.current($0, for: looking).manifest }
      }
      if let staleness {
        if staleness.isDamage { warn(fixture.name, staleness.reason, session) }
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
    history.withLock { $0.rebuilt.removeAll() }
  }
}
