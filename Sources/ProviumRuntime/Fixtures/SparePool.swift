import ProviumEvents
import ProviumGuest
import ProviumMachine
import ProviumSystem

/// Machines resumed ahead of need: answered once, warmed, and stopped. Handed out once, never returned, never counted as
/// tests' machines, and gone at the end. Each has a claim on the pool, which gives way to whatever a test asks for.
///
/// A resume from nothing takes QEMU's start and, without KVM, the translation of the guest's code anew; a spare has both
/// behind it. Warming runs what a test does first (a shell), which a test can tell by process numbers alone.
final class SparePool: Sendable {
  private struct Spare {
    let machine: VirtualMachine
    let claim: PoolClaim

    func end() {
      machine.kill()
      machine.discardDirectory()
      claim.release()
    }
  }
  /// The spares of one snapshot.
  private struct Shelf {
    let snapshot: Snapshot
    var ready: [Spare] = []
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
  private let events: EventStream
  /// Spares over all snapshots.
  private let limit: Int

  init(host: MachineHost, pool: ResourcePool, events: EventStream, limit: Int?) {
    self.host = host
    self.pool = pool
    self.events = events
    self.limit = limit ?? max(2, min(8, HostFacts.processors * 2))
  }

  /// A spare of that snapshot, if one is ready; and in any case a sign that more will be wanted. It is stopped still.
  func take(_ snapshot: Snapshot) -> VirtualMachine? {
    let spare = state.update { state -> Spare? in
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
    if spare.machine.causeOfDeath != nil {
      spare.end()
      return nil
    }
    // Whoever takes it has a claim of its own.
    spare.claim.release()
    return spare.machine
  }

  /// A snapshot that will not be wanted any more: its spares go.
  func forget(_ snapshot: Snapshot) {
    let spares = state.update { $0.shelves.removeValue(forKey: snapshot.folder)?.ready ?? [] }
    spares.forEach { $0.end() }
  }

  /// The pool needs what a spare holds: that of the snapshot that was used longest ago goes. False when there is none.
  func giveUpOne() -> Bool {
    let spare = state.update { state -> Spare? in
      let shelf = state.shelves.filter { !$0.value.ready.isEmpty }.min { $0.value.lastUse < $1.value.lastUse }
      return shelf.flatMap { state.shelves[$0.key]?.ready.popLast() }
    }
    spare?.end()
    return spare != nil
  }

  /// Ends all spares and the thread that makes them. Nothing is handed out any more. Twice is fine.
  func close() {
    let (spares, filler) = state.update { state -> ([Spare], DedicatedThread?) in
      state.isClosed = true
      defer { state.shelves.removeAll() }
      return (state.shelves.values.flatMap(\.ready), state.filler)
    }
    spares.forEach { $0.end() }
    filler?.join()
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
      _ = state.wait(until: .after(.milliseconds(500))) { $0.isClosed ? true : nil }
      while let (snapshot, claim) = next() { make(snapshot, claim) }
      if state.read({ $0.isClosed }) { return }
    }
  }

  /// What to make next, and the room for it: of the snapshot used last whose shelf is not full.
  private func next() -> (Snapshot, PoolClaim)? {
    let wanted = state.read { state -> Snapshot? in
      let count = state.shelves.values.reduce(0) { $0 + $1.ready.count }
      guard !state.isClosed, count < limit else { return nil }
      return state.shelves.values
        .filter { !$0.isBroken && $0.ready.count < min($0.uses, 2) }
        .max { $0.lastUse < $1.lastUse }?.snapshot
    }
    guard let wanted else { return nil }
    // It stands still: it takes no processor.
    let request = PoolRequest(
      memory: min(wanted.memory, ScriptMachine.resumedCost),
      cpus: 0,
      isColdBoot: false
    )
    let tell = PoolNotice.teller(to: events, file: "", request)
    return pool.claimSpare(request, name: "a spare", tell: tell).map { (wanted, $0) }
  }

  private func make(_ snapshot: Snapshot, _ claim: PoolClaim) {
    let deadline = Deadline.after(.seconds(30))
    var made: VirtualMachine?
    do {
      let machine = try VirtualMachine.resume(snapshot, on: host, until: deadline)
      made = machine
      // A guest without a shell has nothing to warm.
      _ = try? machine.session.exec("true", ExecOptions(timeout: .seconds(10)), until: deadline)
      try machine.pause(until: deadline)
    } catch {
      made.map { Spare(machine: $0, claim: claim).end() }
      claim.release()
      state.update { $0.shelves[snapshot.folder]?.isBroken = true }
      return
    }
    guard let machine = made else { return }
    let cost = machine.process.child.privateMemory ?? 0
    if cost > claim.request.memory { claim.grow(by: cost - claim.request.memory) }
    let spare = Spare(machine: machine, claim: claim)
    let isKept = state.update { state -> Bool in
      guard !state.isClosed, state.shelves[snapshot.folder]?.snapshot == snapshot else { return false }
      state.shelves[snapshot.folder]?.ready.append(spare)
      return true
    }
    if !isKept { spare.end() }
  }
}
