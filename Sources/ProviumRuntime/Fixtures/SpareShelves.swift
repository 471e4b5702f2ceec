import ProviumVM

/// Which snapshots have spares, and which deserve the next one: nothing but the reckoning. `SparePool` acts on it.
struct SpareShelves<Spare> {
  /// The spares of one snapshot.
  private struct Shelf {
    let snapshot: Snapshot
    var ready: [Spare] = []
    /// Resumes asked for in this run: a snapshot that is used again and again is worth more spares.
    var uses = 0
    /// Counts uses over all shelves: the highest was the last one.
    var lastUse = 0
    /// A snapshot that cannot be resumed is not tried again and again: whoever needs it says why.
    var isBroken = false

    var wanted: Int { isBroken ? 0 : min(uses, 2) }
  }

  /// What is to be done next.
  enum Step {
    case make(Snapshot)
    /// It stands where another snapshot needs one more.
    case end(Spare)
  }

  /// By the snapshots' folders, of which each build of a fixture has one of its own.
  private var shelves: [String: Shelf] = [:]
  private var clock = 0

  /// Over all snapshots.
  var count: Int { shelves.values.reduce(0) { $0 + $1.ready.count } }

  /// A spare of that snapshot, if one is ready; and in any case a sign that more will be wanted.
  mutating func take(_ snapshot: Snapshot) -> Spare? {
    clock += 1
    var shelf = shelves[snapshot.folder] ?? Shelf(snapshot: snapshot)
    shelf.uses += 1
    shelf.lastUse = clock
    defer { shelves[snapshot.folder] = shelf }
    return shelf.ready.popLast()
  }

  /// - Returns: false where nobody wants it any more.
  mutating func add(_ spare: Spare, of snapshot: Snapshot) -> Bool {
    guard shelves[snapshot.folder] != nil else { return false }
    shelves[snapshot.folder]?.ready.append(spare)
    return true
  }

  /// No machine comes of it.
  mutating func markBroken(_ snapshot: Snapshot) { shelves[snapshot.folder]?.isBroken = true }

  /// A snapshot that will not be wanted any more: its spares, which are to end.
  mutating func remove(_ snapshot: Snapshot) -> [Spare] {
    shelves.removeValue(forKey: snapshot.folder)?.ready ?? []
  }

  /// The spare of the snapshot that was used longest ago; nil: there is none at all.
  mutating func giveUpOne() -> Spare? {
    let idle = shelves.values.filter { !$0.ready.isEmpty }.min { $0.lastUse < $1.lastUse }
    return idle.flatMap { shelves[$0.snapshot.folder]?.ready.popLast() }
  }

  /// All spares, which are to end.
  mutating func removeAll() -> [Spare] {
    defer { shelves.removeAll() }
    return shelves.values.flatMap(\.ready)
  }

  /// The snapshot used last whose shelf is not full gets the next spare. Where there is no room for one more, a snapshot that
  /// has none at all gets the place of one that was not used for longer; two that take turns do not take each other's.
  /// - Parameters:
  ///   - limit: of spares.
  ///   - hasRoom: whether the host and the tests have memory for one more.
  mutating func next(limit: Int, hasRoom: Bool) -> Step? {
    let short = shelves.values.filter { $0.ready.count < $0.wanted }.max { $0.lastUse < $1.lastUse }
    if hasRoom, count < limit { return short.map { .make($0.snapshot) } }
    guard limit > 0,
      let needy = shelves.values.filter({ $0.ready.isEmpty && $0.wanted > 0 }).max(by: {
        $0.lastUse < $1.lastUse
      }),
      let idle = shelves.values.filter({ !$0.ready.isEmpty }).min(by: { $0.lastUse < $1.lastUse }),
      idle.lastUse < needy.lastUse
    else { return nil }
    return shelves[idle.snapshot.folder]?.ready.popLast().map { .end($0) }
  }
}
