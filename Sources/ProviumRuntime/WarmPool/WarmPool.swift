import ProviumEvents
import ProviumAgentClient
import ProviumVM
import ProviumSystem

/// Resumes VMs before a test asks for them: each has answered once and is paused. A warm VM is handed out once and never
/// returned. It is not counted as a test's VM, and its reservation is given up when a test needs the memory.
///
/// A resume from the files starts QEMU and, without KVM, translates the guest's code again; a warm VM has done both. To
/// warm it, the pool runs `true` in a shell, as most tests do first. The guest's process numbers show this; nothing else does.
final class WarmPool: Sendable {
  private struct WarmVM {
    let machine: VirtualMachine
    let reservation: PoolReservation

    func end() {
      machine.kill()
      machine.discardDirectory()
      reservation.release()
    }
  }
  private struct State {
    var policy = WarmPolicy<WarmVM>()
    var isClosed = false
    var filler: DedicatedThread?
  }

  private let state = Monitor(State())
  private let host: MachineHost
  private let pool: ResourcePool
  private let events: EventStream
  private let logs: DebugLogs
  /// The largest number of warm VMs, of all snapshots.
  private let limit: Int
  /// The longest time that a resume may take, before the timeout multiplier.
  private let resumeTimeout: Duration

  /// - Parameter limit: the largest number of warm VMs; nil: twice the processors, from 2 to 8.
  init(
    host: MachineHost,
    pool: ResourcePool,
    events: EventStream,
    logs: DebugLogs,
    limit: Int?,
    resumeTimeout: Duration
  ) {
    self.host = host
    self.resumeTimeout = resumeTimeout
    self.pool = pool
    self.events = events
    self.logs = logs
    self.limit = limit ?? max(2, min(8, HostFacts.processors * 2))
  }

  /// Returns a paused warm VM of `snapshot`, if one is ready, and counts the use. The caller owns the VM and has a
  /// reservation of its own for it.
  func take(_ snapshot: Snapshot) -> VirtualMachine? {
    let warmVM = state.update { $0.isClosed ? nil : $0.policy.take(snapshot) }
    startFiller()
    guard let warmVM else { return nil }
    if warmVM.machine.causeOfDeath != nil {
      warmVM.end()
      return nil
    }
    warmVM.reservation.release()
    return warmVM.machine
  }

  /// Ends the warm VMs of a snapshot that will not be resumed again.
  func forget(_ snapshot: Snapshot) {
    state.update { $0.policy.remove(snapshot) }.forEach { $0.end() }
  }

  /// Ends a warm VM of the least recently used snapshot, since the resource pool needs its memory.
  /// - Returns: false when there was none.
  func endOne() -> Bool {
    let warmVM = state.update { $0.policy.popLeastRecentlyUsed() }
    warmVM?.end()
    return warmVM != nil
  }

  /// Ends all warm VMs and the thread that makes them. Blocks until that thread has ended. `take` returns nil from then
  /// on. Idempotent.
  func close() {
    let (warmVMs, filler) = state.update { state -> ([WarmVM], DedicatedThread?) in
      state.isClosed = true
      return (state.policy.removeAll(), state.filler)
    }
    warmVMs.forEach { $0.end() }
    filler?.join()
  }

  // MARK: Filling

  private func startFiller() {
    state.update { state in
      guard state.filler == nil, !state.isClosed, limit > 0 else { return }
      state.filler = try? DedicatedThread(name: "warm-vms") { [self] in fill() }
    }
  }

  private func fill() {
    while true {
      // Free memory has no event: look twice a second.
      _ = state.wait(until: .after(.milliseconds(500))) { $0.isClosed ? true : nil }
      while takeStep() {}
      if state.read({ $0.isClosed }) { return }
    }
  }

  /// Makes the warm VM that is wanted most if the pool has room for it, else ends one of a less recently used snapshot.
  /// - Returns: false when there is nothing to do now.
  private func takeStep() -> Bool {
    let wanted = state.update { $0.isClosed ? nil : $0.policy.next(limit: limit, hasRoom: true) }
    switch wanted {
    case .make(let snapshot)?:
      if let reservation = reservation(for: snapshot) {
        make(snapshot, reservation)
        return true
      }
    case .end(let warmVM)?:
      warmVM.end()
      return true
    case nil: return false
    }
    guard case .end(let warmVM)? = state.update({ $0.policy.next(limit: limit, hasRoom: false) }) else {
      return false
    }
    warmVM.end()
    return true
  }

  /// nil: the pool has no room. A paused VM needs no processor.
  private func reservation(for snapshot: Snapshot) -> PoolReservation? {
    let memory = min(snapshot.memory, PoolRequest.resumedMemory)
    let request = PoolRequest(memory: memory, cpus: 0, isColdBoot: false)
    return pool.reserveWarm(
      request,
      name: "a warm VM",
      tell: PoolNotice.teller(to: events, file: "", request)
    )
  }

  private func make(_ snapshot: Snapshot, _ reservation: PoolReservation) {
    let scale = host.timeoutMultiplier(for: snapshot.conditions.architecture)
    let deadline = Deadline.after(resumeTimeout * scale)
    var made: VirtualMachine?
    do {
      let machine = try VirtualMachine.resume(snapshot, on: host, until: deadline, log: logs.warmLogger())
      made = machine
      // A guest without a shell needs no warming.
      _ = try? machine.connection.exec("true", CommandOptions(timeout: .seconds(10) * scale), until: deadline)
      // Every sub-test ends with this question.
      machine.catchUpWithReports(until: deadline)
      try machine.pause(until: deadline)
    } catch {
      made.map { WarmVM(machine: $0, reservation: reservation).end() }
      reservation.release()
      state.update { $0.policy.markBroken(snapshot) }
      return
    }
    guard let machine = made else { return }
    let cost = machine.process.child.privateMemory ?? 0
    if cost > reservation.request.memory { reservation.grow(by: cost - reservation.request.memory) }
    let warmVM = WarmVM(machine: machine, reservation: reservation)
    let isKept = state.update { !$0.isClosed && $0.policy.add(warmVM, of: snapshot) }
    if !isKept { warmVM.end() }
  }
}
