import ProviumGuest
import ProviumMachine
import ProviumSystem

/// Machines resumed ahead of need: answered once, warmed, and stopped. Handed out once, never returned, never counted as
/// tests' machines, and gone at the end.
///
/// A resume from nothing takes QEMU's start and, without KVM, the translation of the guest's code anew; a spare has both
/// behind it. Warming runs what a test does first (a shell), which a test can tell by process numbers alone.
final class SparePool: Sendable {
  private struct State {
    var shelves = SpareShelves<VirtualMachine>()
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
    let spare = state.update { $0.isClosed ? nil : $0.shelves.take(snapshot) }
    startFiller()
    guard let spare else { return nil }
    if spare.causeOfDeath == nil { return spare }
    spare.kill()
    return nil
  }

  /// A snapshot that will not be wanted any more: its spares go.
  func forget(_ snapshot: Snapshot) {
    state.update { $0.shelves.remove(snapshot) }.forEach(Self.end)
  }

  /// Ends all spares and the thread that makes them. Nothing is handed out any more.
  func close() {
    let (spares, filler) = state.update { state -> ([VirtualMachine], DedicatedThread?) in
      state.isClosed = true
      return (state.shelves.removeAll(), state.filler)
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
      let next = state.wait(until: .after(.milliseconds(500))) {
        state -> SpareShelves<VirtualMachine>.Step?? in
        if state.isClosed { return .some(nil) }
        return state.shelves.next(limit: limit, hasRoom: self.hasRoom(beside: state.shelves.count))
          .map { .some($0) }
      }
      switch next {
      case .some(.none): return
      case .some(.make(let snapshot)): make(snapshot)
      case .some(.end(let spare)): Self.end(spare)
      case .none: continue
      }
    }
  }

  private func hasRoom(beside count: Int) -> Bool {
    count < limit && pool.hasRoomForSpare(ScriptMachine.resumedCost, present: count)
  }

  private func make(_ snapshot: Snapshot) {
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
      made.map(Self.end)
      state.update { $0.shelves.markBroken(snapshot) }
      return
    }
    guard let machine = made else { return }
    let isKept = state.update { !$0.isClosed && $0.shelves.add(machine, of: snapshot) }
    if !isKept { Self.end(machine) }
  }
}
