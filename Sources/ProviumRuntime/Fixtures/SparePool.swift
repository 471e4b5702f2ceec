import ProviumGuest
import ProviumMachine
import ProviumSystem

/// Machines resumed ahead of need: answered once, warmed, and stopped. Handed out once, never returned, never counted as
/// tests' machines, and gone at the end.
///
/// A resume from nothing takes QEMU's start and, without KVM, the translation of the guest's code anew; a spare has both
/// behind it. Warming runs what a test does first (a shell), which a test can tell by process numbers alone.
final class SparePool: Sendable {
  /// The spares of one snapshot.
  private struct Shelf {
    let snapshot: Snapshot
    var ready: [VirtualMachine] = []
    /// Resumes asked for in this run: a snapshot that is used again and again is worth more spares.
    var uses = 0
    var lastUse: UInt64 = 0
    /// A snapshot that cannot be resumed is not tried again and again: whoever needs it says why.
    var isBroken = false
  }
  private struct State {
    var shelves: [String: Shelf] = [:]
    var isClosed = false
    var filler: DedicatedThread?
  }

  private let state = Monitor(State())
  private let host: MachineHost
  private let pool: ResourcePool
  /// Spares over all snapshots.
  private let limit: Int

  init(host: MachineHost, pool: ResourcePool, limit: Int?) {
    self.host = host
    self.pool = pool
    self.limit = limit ?? max(2, min(8, HostFacts.processors * 2))
  }

  /// A spare of that snapshot, if one is ready; and in any case a sign that more will be wanted. It is stopped still.
  func take(_ snapshot: Snapshot) -> VirtualMachine? {
    let spare = state.update { state -> VirtualMachine? in
      guard !state.isClosed else { return nil }
      var shelf = state.shelves[snapshot.folder] ?? Shelf(snapshot: snapshot)
      // A rebuilt fixture has the same folder.
      if shelf.snapshot != snapshot { shelf = Shelf(snapshot: snapshot) }
      shelf.uses += 1
      shelf.lastUse = Deadline.now
      let spare = shelf.ready.popLast()
      state.shelves[snapshot.folder] = shelf
      return spare
    }
    startFiller()
    guard let spare else { return nil }
    if spare.causeOfDeath == nil { return spare }
    spare.kill()
    return nil
  }

  /// A snapshot that will not be wanted any more: its spares go.
  func forget(_ snapshot: Snapshot) {
    let spares = state.update { $0.shelves.removeValue(forKey: snapshot.folder)?.ready ?? [] }
    spares.forEach(Self.end)
  }

  /// Ends all spares and the thread that makes them. Nothing is handed out any more.
  func close() {
    let (spares, filler) = state.update { state -> ([VirtualMachine], DedicatedThread?) in
      state.isClosed = true
      defer { state.shelves.removeAll() }
      return (state.shelves.values.flatMap(\.ready), state.filler)
    }
    spares.forEach(Self.end)
    filler?.join()
  }

  private static func end(_ machine: VirtualMachine) {
    machine.kill()
    machine.discardDirectory()
  }

  // MARK: Filling

  private func startFiller() {
    state.update { state in
      guard state.filler == nil, !state.isClosed, limit > 0 else { return }
      state.filler = try? DedicatedThread(name: "spares") { [self] in fill() }
    }
  }

  private func fill() {
    while true {
      // Room comes and goes without anybody telling us: look again twice a second.
      let next = state.wait(until: .after(.milliseconds(500))) { state -> Snapshot?? in
        if state.isClosed { return .some(nil) }
        return self.mostWanted(state).map { .some($0) }
      }
      switch next {
      case .some(.none): return
      case .some(.some(let snapshot)): make(snapshot)
      case .none: continue
      }
    }
  }

  /// The snapshot used last whose shelf is not full, while there is room for another machine.
  private func mostWanted(_ state: State) -> Snapshot? {
    let count = state.shelves.values.reduce(0) { $0 + $1.ready.count }
    guard count < limit, pool.hasRoomForSpare(ScriptMachine.resumedCost, present: count) else { return nil }
    return state.shelves.values
      .filter { !$0.isBroken && $0.ready.count < min($0.uses, 2) }
      .max { $0.lastUse < $1.lastUse }?.snapshot
  }

  private func make(_ snapshot: Snapshot) {
    let deadline = Deadline.after(.seconds(30))
    var made: VirtualMachine?
    do {
      let machine = try VirtualMachine.resume(snapshot, on: host, until: deadline)
      made = machine
      // A guest without a shell has nothing to warm.
      _ = try? machine.session.exec("true", ExecOptions(timeout: .seconds(10)), until: deadline)
      try machine.pause(until: deadline)
    } catch {
      made.map(Self.end)
      state.update { $0.shelves[snapshot.folder]?.isBroken = true }
      return
    }
    guard let machine = made else { return }
    let isKept = state.update { state -> Bool in
      guard !state.isClosed, state.shelves[snapshot.folder]?.snapshot == snapshot else { return false }
      state.shelves[snapshot.folder]?.ready.append(machine)
      return true
    }
    if !isKept { Self.end(machine) }
  }
}
