import ProviumVM

/// Decides which snapshots have warm VMs and which one gets the next. Pure policy; `WarmPool` applies it.
struct WarmPolicy<WarmVM> {
  /// The warm VMs of one snapshot.
  private struct Entry {
    let snapshot: Snapshot
    var ready: [WarmVM] = []
    /// Resumes requested in this run: a snapshot that is used often deserves more warm VMs.
    var uses = 0
    /// The value of `clock` at the last use: the highest over all snapshots was used last.
    var lastUse = 0
    /// A resume of this snapshot has failed. It is not tried again here: the next test that resumes it reports why.
    var isBroken = false

    var wanted: Int { isBroken ? 0 : min(uses, 2) }
  }

  /// The next thing to do.
  enum Step {
    case make(Snapshot)
    /// End this warm VM, so that another snapshot can have one.
    case end(WarmVM)
  }

  /// By the snapshots' folders: each build of a fixture has its own.
  private var snapshots: [String: Entry] = [:]
  private var clock = 0

  /// The number of warm VMs of all snapshots.
  var count: Int { snapshots.values.reduce(0) { $0 + $1.ready.count } }

  /// Returns a warm VM of `snapshot`, if one is ready, and counts the use.
  mutating func take(_ snapshot: Snapshot) -> WarmVM? {
    clock += 1
    var entry = snapshots[snapshot.folder] ?? Entry(snapshot: snapshot)
    entry.uses += 1
    entry.lastUse = clock
    defer { snapshots[snapshot.folder] = entry }
    return entry.ready.popLast()
  }

  /// Adds a warm VM that was made for `snapshot`.
  /// - Returns: false when the snapshot was removed while the warm VM was being made; the caller ends it.
  mutating func add(_ warmVM: WarmVM, of snapshot: Snapshot) -> Bool {
    guard snapshots[snapshot.folder] != nil else { return false }
    snapshots[snapshot.folder]?.ready.append(warmVM)
    return true
  }

  /// Notes that a resume of `snapshot` failed.
  mutating func markBroken(_ snapshot: Snapshot) { snapshots[snapshot.folder]?.isBroken = true }

  /// Removes a snapshot and returns its warm VMs, which the caller ends.
  mutating func remove(_ snapshot: Snapshot) -> [WarmVM] {
    snapshots.removeValue(forKey: snapshot.folder)?.ready ?? []
  }

  /// Removes and returns a warm VM of the least recently used snapshot; nil when there are no warm VMs.
  mutating func popLeastRecentlyUsed() -> WarmVM? {
    let idle = snapshots.values.filter { !$0.ready.isEmpty }.min { $0.lastUse < $1.lastUse }
    return idle.flatMap { snapshots[$0.snapshot.folder]?.ready.popLast() }
  }

  /// Removes and returns all warm VMs, which the caller ends.
  mutating func removeAll() -> [WarmVM] {
    defer { snapshots.removeAll() }
    return snapshots.values.flatMap(\.ready)
  }

  /// Returns the next step; nil when there is nothing to do.
  ///
  /// The most recently used snapshot that has fewer warm VMs than it deserves gets the next one. Where there is no room for
  /// one more, a snapshot that has none takes the place of one that was used less recently. Two snapshots that are used in
  /// turn do not take each other's place.
  /// - Parameters:
  ///   - limit: the largest number of warm VMs.
  ///   - hasRoom: whether the host has memory for one more beside the tests' VMs.
  mutating func next(limit: Int, hasRoom: Bool) -> Step? {
    let short = snapshots.values.filter { $0.ready.count < $0.wanted }.max { $0.lastUse < $1.lastUse }
    if hasRoom, count < limit { return short.map { .make($0.snapshot) } }
    guard limit > 0,
      let needy = snapshots.values.filter({ $0.ready.isEmpty && $0.wanted > 0 }).max(by: {
        $0.lastUse < $1.lastUse
      }),
      let idle = snapshots.values.filter({ !$0.ready.isEmpty }).min(by: { $0.lastUse < $1.lastUse }),
      idle.lastUse < needy.lastUse
    else { return nil }
    return snapshots[idle.snapshot.folder]?.ready.popLast().map { .end($0) }
  }
}
