import Glibc
import ProviumVM
import ProviumSystem
import Synchronization

/// A current fixture, held against removal: it can be resumed.
struct HeldFixture: Sendable {
  let manifest: FixtureManifest
  let hold: FixtureHold
}

/// Provides current fixtures to all files of a process: from the store, or built. A fixture is built once, however many files
/// need it. Thread-safe; blocks.
package final class FixtureService: Sendable {
  private enum Slot {
    /// `owner`: the builder's owner number in the resource pool. `waitsFor`: the place of the fixture that the builder itself
    /// waits for.
    case building(by: String, owner: PoolOwner, waitsFor: String?)
    case ready(HeldFixture)
    case failed(FixtureError)
  }

  package let store: FixtureStore
  private let slots = Monitor<[String: Slot]>([:])
  private struct History {
    /// The builds that warm VMs may have been made from, by place.
    var latest: [String: Snapshot] = [:]
    /// Places of fixtures that could not be resumed and were rebuilt in this run.
    var rebuilt: Set<String> = []
  }
  private let history = Mutex(History())
  /// Whether fixtures kept from earlier runs are ignored.
  private let isFresh: Bool

  /// Makes the recipe of a fixture that was found.
  package typealias RecipeMaker = @Sendable (Fixture, FixtureService) -> any FixtureRecipe
  private let recipe: RecipeMaker

  init(store: FixtureStore, isFresh: Bool, recipe: @escaping RecipeMaker) {
    self.store = store
    self.isFresh = isFresh
    self.recipe = recipe
  }

  /// Returns the current build of a fixture. Builds it on this thread if it is stale; waits if another thread or process is
  /// building it.
  /// - Parameters:
  ///   - recipe: nil: that of the service.
  ///   - force: rebuilds the fixture even if it is up to date.
  func buildIfStale(
    _ fixture: Fixture,
    _ recipe: (any FixtureRecipe)? = nil,
    for scope: MachineScope,
    force: Bool = false
  ) throws -> HeldFixture {
    let place = store.place(of: fixture)
    if let start = scope.fixtures.firstIndex(where: { $0.place == place }) {
      throw FixtureError.circular(chain: scope.fixtures[start...].map(\.name) + [fixture.name])
    }
    return try scope.limits.suspended {
      if let ready = try takeSlot(place, name: fixture.name, scope) { return ready }
      do {
        let ready = try makeCurrent(fixture, recipe, place: place, force: force, scope)
        settle(ready, at: place, scope)
        return ready
      } catch {
        let failure = scope.isCancelled ? nil : FixtureError.buildFailed(fixture.name, because: error)
        // An interrupted build does not mean that the fixture cannot be built.
        slots.update { $0[place] = failure.map { .failed($0) } }
        throw failure ?? error
      }
    }
  }

  /// Provides this build from now on, and ends the warm VMs of the previous one.
  private func settle(_ ready: HeldFixture, at place: String, _ scope: MachineScope) {
    slots.update { $0[place] = .ready(ready) }
    let snapshot = ready.manifest.snapshot
    let former = history.withLock { $0.latest.updateValue(snapshot, forKey: place) }
    if let former, former != snapshot { scope.services.warmPool.forget(former) }
  }

  /// Rebuilds a fixture that is current but could not be resumed. A fixture is rebuilt in this way once in a run.
  /// - Throws: `FixtureError.unusable` if it was rebuilt before.
  func rebuild(
    _ fixture: Fixture,
    _ recipe: (any FixtureRecipe)? = nil,
    instead ready: HeldFixture,
    because reason: String,
    for scope: MachineScope
  )
    throws -> HeldFixture
  {
    let place = store.place(of: fixture)
    // Files that wait for its slot get the new build.
    let isMine = try slots.update { slots -> Bool in
      guard case .ready(let known) = slots[place], known.manifest.buildID == ready.manifest.buildID else {
        return false
      }
      guard history.withLock({ $0.rebuilt.insert(place).inserted }) else {
        throw FixtureError.unusable(name: fixture.name, reason: reason)
      }
      slots[place] = nil
      return true
    }
    if isMine { warn(fixture.name, "it could not be resumed: \(reason)", scope) }
    return try buildIfStale(fixture, recipe, for: scope, force: isMine)
  }

  /// Forgets builds that failed by an infrastructure error, since the file that needed them is run again.
  package func forgetFaults() {
    slots.update { slots in
      slots = slots.filter {
        if case .failed(let error) = $0.value { error.code.failureKind != .infrastructure } else { true }
      }
    }
  }

  /// Fails a build whose thread is stuck: the files that wait for the fixture get the reason.
  package func giveUp(_ place: String, name: String, because reason: String) {
    slots.update { slots in
      guard case .building = slots[place] else { return }
      slots[place] = .failed(FixtureError.buildFailed(name: name, reason: reason, code: .infrastructure))
    }
  }

  private func warn(_ name: String, _ reason: String, _ scope: MachineScope) {
    scope.services.warnOnce("fixture \(name) is built again: \(reason)", file: scope.name)
  }

  /// Returns the fixture if another thread has built it; nil when this thread has to build it.
  private func takeSlot(_ place: String, name: String, _ scope: MachineScope) throws -> HeldFixture? {
    var said = false
    defer {
      if said {
        note(scope, waitsFor: nil)
        scope.services.pool.endWait(of: scope.owner)
      }
    }
    while true {
      var isFirst = false
      let result = slots.wait(until: .after(.milliseconds(100))) {
        slots -> Result<HeldFixture?, any Error>? in
        switch slots[place] {
        case nil:
          slots[place] = .building(by: scope.name, owner: scope.owner, waitsFor: nil)
          return .success(nil)
        case .ready(let ready): return .success(ready)
        case .failed(let error): return .failure(error)
        case .building(let builder, let owner, _):
          if Self.waits(place, for: scope, in: slots) {
            return .failure(FixtureError.circular(chain: scope.fixtures.map(\.name) + [name]))
          }
          if let mine = scope.fixtures.last?.place, case .building(let me, let owner, _) = slots[mine] {
            slots[mine] = .building(by: me, owner: owner, waitsFor: place)
          }
          isFirst = !said
          scope.services.pool.noteWait(
            of: scope.owner,
            for: owner,
            what: "the fixture \(name), which \(builder) builds"
          )
          if !said { scope.activity("waiting for the fixture \(name), which \(builder) builds") }
          said = true
          return nil
        }
      }
      if let result { return try result.get() }
      if isFirst { note(scope, waitsFor: place) }
      if scope.isCancelled { throw FixtureError.interrupted }
    }
  }

  /// Whether the builder at `place` waits, directly or through others, for a fixture that this scope builds: two files
  /// whose fixtures start from each other, each on its own thread, would wait forever.
  private static func waits(_ place: String, for scope: MachineScope, in slots: [String: Slot]) -> Bool {
    let mine = Set(scope.fixtures.map(\.place))
    var (next, seen): (String?, Set<String>) = (place, [])
    while let here = next, seen.insert(here).inserted, case .building(_, _, let further) = slots[here] {
      if let further, mine.contains(further) { return true }
      next = further
    }
    return false
  }

  private func note(_ scope: MachineScope, waitsFor place: String?) {
    guard let mine = scope.fixtures.last?.place else { return }
    slots.update {
      if case .building(let me, let owner, _) = $0[mine] {
        $0[mine] = .building(by: me, owner: owner, waitsFor: place)
      }
    }
    // For other processes that wait for this one.
    store.note(mine, waitsFor: place)
  }

  private func makeCurrent(
    _ fixture: Fixture,
    _ ownRecipe: (any FixtureRecipe)?,
    place: String,
    force: Bool,
    _ scope: MachineScope
  ) throws -> HeldFixture {
    let lock = try store.lock(
      place,
      until: .after(.seconds(1800)),
      holding: scope.fixtures.map(\.place),
      waiting: { holder in
        let who = holder.isEmpty ? "" : ", which \(holder) builds"
        scope.activity("waiting for the fixture \(fixture.name)\(who)")
      },
      isCancelled: { scope.isCancelled }
    )
    _ = lock
    if !isFresh, !force, let ready = try kept(fixture, at: place, for: scope) { return ready }
    scope.activity("building the fixture \(fixture.name)")
    let manifest = try FixtureBuilder(
      fixture: fixture,
      place: place,
      store: store,
      recipe: ownRecipe ?? recipe(fixture, self)
    ).build(for: scope)
    guard let hold = FixtureHold(of: manifest) else {
      throw FixtureError.store(path: store.folder, reason: "\(manifest.snapshot.folder) was removed")
    }
    store.makeRoom(keeping: place)
    return HeldFixture(manifest: manifest, hold: hold)
  }

  /// Returns the kept build if it is current. Warns of damage. The caller holds the fixture's lock.
  private func kept(_ fixture: Fixture, at place: String, for scope: MachineScope) throws
    -> HeldFixture?
  {
    switch store.kept(at: place) {
    case .nothing: return nil
    case .unusable(let reason, let isDamage):
      if isDamage { warn(fixture.name, reason, scope) }
      return nil
    case .fixture(let manifest):
      // Held before it is checked, so that it is not removed after the check.
      let hold = FixtureHold(of: manifest)
      let check = StalenessCheck(store: store, services: scope.services)
      // The bases are built for this fixture, so they must not start from it.
      let checking = scope.child(
        building: FixtureInProgress(name: fixture.name, place: place),
        search: manifest.search,
        workFolder: nil
      )
      let verdict = try scope.running(checking) {
        try check.verdict(of: manifest) { try self.buildIfStale($0, for: checking).manifest }
      }
      switch verdict {
      case .stale(let staleness):
        if staleness.isDamage { warn(fixture.name, staleness.reason, scope) }
        return nil
      case .current(let verified):
        guard let hold else { return nil }
        if verified != manifest { try store.update(verified, at: place) }
        store.touch(place)
        // A build that was replaced while a process held it.
        store.sweep(place)
        return HeldFixture(manifest: verified, hold: hold)
      }
    }
  }

  /// Makes the next use of each fixture check its inputs again, since they may have changed since the last run.
  package func recheck() {
    slots.update { slots in
      slots = slots.filter { if case .building = $0.value { true } else { false } }
    }
    history.withLock { $0.rebuilt.removeAll() }
  }
}
