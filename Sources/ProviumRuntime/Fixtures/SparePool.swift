import ProviumEvents
import ProviumAgentClient
import ProviumVM
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
  private struct State {
    var shelves = SpareShelves<Spare>()
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
    let spare = state.update { $0.isClosed ? nil : $0.shelves.take(snapshot) }
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
    state.update { $0.shelves.remove(snapshot) }.forEach { $0.end() }
  }

  /// The pool needs what a spare holds: that of the snapshot that was used longest ago goes. False when there is none.
  func giveUpOne() -> Bool {
    let spare = state.update { $0.shelves.giveUpOne() }
    spare?.end()
    return spare != nil
  }

  /// Ends all spares and the thread that makes them. Nothing is handed out any more. Twice is fine.
  func close() {
    let (spares, filler) = state.update { state -> ([Spare], DedicatedThread?) in
      state.isClosed = true
      return (state.shelves.removeAll(), state.filler)
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
      while takeStep() {}
      if state.read({ $0.isClosed }) { return }
    }
  }

  /// Makes the spare that is wanted most where the pool has room for it, else ends one that stands in its way.
  /// - Returns: false where there is nothing to do for now.
  private func takeStep() -> Bool {
    let wanted = state.update { $0.isClosed ? nil : $0.shelves.next(limit: limit, hasRoom: true) }
    switch wanted {
    case .make(let snapshot)?:
      if let claim = claim(for: snapshot) {
        make(snapshot, claim)
        return true
      }
    case .end(let spare)?:
      spare.end()
      return true
    case nil: return false
    }
    guard case .end(let spare)? = state.update({ $0.shelves.next(limit: limit, hasRoom: false) }) else {
      return false
    }
    spare.end()
    return true
  }

  /// nil: the pool has no room. A spare stands still: it takes no processor.
  private func claim(for snapshot: Snapshot) -> PoolClaim? {
    let memory = min(snapshot.memory, ScriptMachine.resumedCost)
    let request = PoolRequest(memory: memory, cpus: 0, isColdBoot: false)
    return pool.claimSpare(request, name: "a spare", tell: PoolNotice.teller(to: events, file: "", request))
  }

  private func make(_ snapshot: Snapshot, _ claim: PoolClaim) {
    let scale = host.accelerator(for: snapshot.conditions.architecture).timeScale
    let deadline = Deadline.after(.seconds(30) * scale)
    var made: VirtualMachine?
    do {
      let machine = try VirtualMachine.resume(snapshot, on: host, until: deadline)
      made = machine
      // A guest without a shell has nothing to warm.
      _ = try? machine.session.exec("true", ExecOptions(timeout: .seconds(10) * scale), until: deadline)
      try machine.pause(until: deadline)
    } catch {
      made.map { Spare(machine: $0, claim: claim).end() }
      claim.release()
      state.update { $0.shelves.markBroken(snapshot) }
      return
    }
    guard let machine = made else { return }
    let cost = machine.process.child.privateMemory ?? 0
    if cost > claim.request.memory { claim.grow(by: cost - claim.request.memory) }
    let spare = Spare(machine: machine, claim: claim)
    let isKept = state.update { !$0.isClosed && $0.shelves.add(spare, of: snapshot) }
    if !isKept { spare.end() }
  }
}
