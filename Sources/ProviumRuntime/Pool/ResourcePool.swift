package import ProviumSystem
import Synchronization

/// Admits VMs by memory, processors, pressure and boots in flight, over all files of a run.
///
/// Requests are served in the order of their arrival. Requests of files that already hold a VM, or for which such a file
/// waits, are served first, since reservations are released only when those files end. The first request that does not
/// fit holds back all later ones, so that small requests do not starve a big one. Warm VMs give way to all requests.
package final class ResourcePool: Sendable {
  package let budget: PoolBudget
  let capacity: @Sendable () -> HostCapacity
  /// How long the automatic mode waits for memory that other programs of the host may free, before it takes files that
  /// wait for each other for a deadlock.
  private let patience: Duration
  /// How long a request of an idle pool waits for memory that only other programs of the host can free.
  private let hostPatience: Duration
  let state = Monitor(PoolState())
  private let endWarmVM = Mutex<(@Sendable () -> Bool)?>(nil)

  /// - Parameters:
  ///   - patience: of the automatic mode. A fixed budget changes only by its own files: there is nothing to wait for.
  ///   - hostPatience: of the automatic mode, while no VM of the run holds anything: then no file of the run ends the wait.
  ///   - capacity: measures the host for the automatic mode; tests pass their own.
  package init(
    _ budget: PoolBudget,
    patience: Duration = .seconds(10),
    hostPatience: Duration = .seconds(300),
    capacity: @escaping @Sendable () -> HostCapacity = { .recent }
  ) {
    self.budget = budget
    self.capacity = capacity
    self.hostPatience = hostPatience
    self.patience = budget == .automatic ? patience : .zero
  }

  // MARK: Requests

  /// Blocks until the request is granted. The caller gives the reservation back by `release`.
  /// - Parameters:
  ///   - name: the file or test, for messages.
  ///   - isCancelled: checked after each `wake`.
  ///   - tell: see `PoolNotice`.
  /// - Throws: `PoolError`.
  package func reserve(
    _ request: PoolRequest,
    owner: PoolOwner,
    name: String,
    until deadline: Deadline,
    isCancelled: () -> Bool = { false },
    tell: @escaping @Sendable (PoolNotice) -> Void = { _ in }
  ) throws -> PoolReservation {
    try refuseImpossible(request)
    let number = state.update { state -> Int in
      defer { state.next += 1 }
      state.waiting.append(
        PoolState.Ticket(number: state.next, owner: owner, name: name, request: request, tell: tell)
      )
      return state.next
    }
    do {
      if try !admit(number) {
        state.update { _ in tell(.waiting) }
        try wait(number, until: deadline, isCancelled: isCancelled)
      }
    } catch {
      state.update { state in state.waiting.removeAll { $0.number == number } }
      throw error
    }
    return PoolReservation(number: number, request: request, pool: state)
  }

  private func wait(_ number: Int, until deadline: Deadline, isCancelled: () -> Bool) throws {
    var idle = Deadline.after(hostPatience)
    while true {
      // Free memory has no event: check four times a second.
      let slice = Deadline.earliest(deadline, .after(.milliseconds(250)))
      _ = state.wait(until: slice) { state -> Void? in
        let isRefused = state.waiting.contains { $0.number == number && $0.refusal != nil }
        return isRefused || isCancelled() || mayBeGranted(number, state) ? () : nil
      }
      if isCancelled() { throw PoolError.interrupted }
      if try admit(number) { return }
      if state.read({ !$0.isIdle }) { idle = .after(hostPatience) }
      if deadline.isExpired || idle.isExpired {
        let request = state.read { state in state.waiting.first { $0.number == number }?.request }
        throw PoolError.timedOut(request: request ?? .turn, held: state.read { $0.memory })
      }
    }
  }

  /// Grants ticket `number` if it is its turn and it fits; throws when it was chosen to break a deadlock.
  private func admit(_ number: Int) throws -> Bool {
    repeat {
      let isGranted = try state.update { state -> Bool in
        guard let index = state.waiting.firstIndex(where: { $0.number == number }) else { return false }
        if mayBeGranted(number, state) {
          let ticket = state.waiting.remove(at: index)
          state.stuckSince = nil
          grant(ticket, isWarm: false, &state)
          return true
        }
        if !needsWarmMemory(number, state) { breakDeadlock(&state) }
        if let refusal = state.waiting[index].refusal { throw refusal }
        return false
      }
      if isGranted { return true }
    } while state.read({ needsWarmMemory(number, $0) }) && endOneWarmVM()
    return false
  }

  func grant(_ ticket: PoolState.Ticket, isWarm: Bool, _ state: inout PoolState) {
    state.holdings[ticket.number] = PoolState.Holding(
      owner: ticket.owner,
      name: ticket.name,
      memory: ticket.request.memory,
      cpus: ticket.request.cpus,
      isBooting: ticket.request.isColdBoot,
      grantedAt: Deadline.now,
      isWarm: isWarm,
      tell: ticket.tell
    )
    ticket.tell(.granted(reservation: ticket.number, waited: Double(Deadline.now - ticket.asked) / 1e9))
  }

  private func mayBeGranted(_ number: Int, _ state: PoolState) -> Bool {
    guard let ticket = state.turn(fits: { fits($0.request, $0.owner, state) }), ticket.number == number else {
      return false
    }
    return fits(ticket.request, ticket.owner, state)
  }

  private func fits(_ request: PoolRequest, _ owner: PoolOwner, _ state: PoolState) -> Bool {
    switch budget {
    case .fixed(let memory, let cpus):
      return state.memory + request.memory <= memory ?? PoolBudget.unlimitedMemory
        && state.cpus + request.cpus <= cpus ?? PoolBudget.unlimitedCPUs
        && (!request.isColdBoot || state.boots < max(1, HostFacts.processors))
    case .automatic:
      let host = capacity()
      if request.isColdBoot, state.boots >= host.boots { return false }
      if request == .turn { return true }
      if state.isIdle { return host.available >= request.memory || host.total == 0 }
      // Processors can be shared: they limit how many files start, not how many VMs one file has.
      let hasProcessors =
        state.cpus + request.cpus <= max(host.cpuCeiling, request.cpus)
        || state.holdings.values.contains { $0.owner == owner }
      return hasProcessors && host.pressure.memory < 10
        && host.available >= host.reserve + promised(state) + request.memory
    }
  }

  /// Bytes granted in the last three seconds: such a VM has not yet touched its memory, so the host still counts it as free.
  func promised(_ state: PoolState) -> UInt64 {
    state.holdings.values.filter { Deadline.now - $0.grantedAt < 3_000_000_000 }.reduce(0) { $0 + $1.memory }
  }

  private func refuseImpossible(_ request: PoolRequest) throws {
    switch budget {
    case .fixed(let memory, let cpus):
      guard request.memory <= memory ?? PoolBudget.unlimitedMemory,
        request.cpus <= cpus ?? PoolBudget.unlimitedCPUs
      else {
        throw PoolError.neverFits(request: request, memory: memory, cpus: cpus)
      }
    case .automatic:
      let host = capacity()
      guard host.total == 0 || request.memory <= host.ceiling, request.cpus <= host.cpuLimit else {
        throw PoolError.neverFits(request: request, memory: host.ceiling, cpus: host.cpuLimit)
      }
    }
  }

  /// Ends waits whose `isCancelled` has become true.
  package func wake() { state.update { _ in } }

  // MARK: Deadlocks

  /// Notes that `owner` continues only when `other` has, until `endWait`: deadlock detection follows such chains.
  /// - Parameter what: `the fixture big, which b.lua builds`.
  package func noteWait(of owner: PoolOwner, for other: PoolOwner, what: String) {
    state.update { $0.waits[owner] = PoolState.Wait(other: other, what: what) }
  }
  package func endWait(of owner: PoolOwner) { state.update { _ = $0.waits.removeValue(forKey: owner) } }

  /// Refuses the last urgent request when no holder can continue, since nothing would be released then.
  private func breakDeadlock(_ state: inout PoolState) {
    let urgent = state.urgent
    guard state.isHeldUp, let victim = urgent.last,
      !state.waiting.contains(where: { $0.refusal != nil }),
      !urgent.contains(where: { fits($0.request, $0.owner, state) })
    else {
      state.stuckSince = nil
      return
    }
    let since = state.stuckSince ?? Deadline.now
    state.stuckSince = since
    guard Duration.nanoseconds(Int64(Deadline.now - since)) >= patience else { return }
    state.stuckSince = nil
    for index in state.waiting.indices where state.waiting[index].number == victim.number {
      state.waiting[index].refusal = .deadlock(
        request: victim.request,
        name: victim.name,
        held: state.memory,
        holders: state.holders
      )
    }
  }

  // MARK: Warm VMs

  /// Sets the function that frees memory for a request.
  /// - Parameter endWarmVM: ends one warm VM and releases its reservation; returns false when there is none. Called while
  ///   the pool is not locked.
  func onNeed(endWarmVM: @escaping @Sendable () -> Bool) { self.endWarmVM.withLock { $0 = endWarmVM } }

  /// Reserves for a warm VM, without waiting.
  /// - Returns: nil where the reservation would delay a request.
  func reserveWarm(_ request: PoolRequest, name: String, tell: @escaping @Sendable (PoolNotice) -> Void)
    -> PoolReservation?
  {
    let number = state.update { state -> Int? in
      guard state.waiting.isEmpty else { return nil }
      switch budget {
      case .fixed(let memory?, _): guard state.memory + request.memory <= memory else { return nil }
      // The memory is not limited by the user, but the host's is.
      case .fixed(nil, _), .automatic:
        let host = capacity()
        let needed = host.reserve + promised(state) + 2 * request.memory
        guard host.pressure.memory < 5, host.available > needed else { return nil }
      }
      defer { state.next += 1 }
      grant(
        PoolState.Ticket(
          number: state.next,
          owner: PoolState.warmOwner,
          name: name,
          request: request,
          tell: tell
        ),
        isWarm: true,
        &state
      )
      return state.next
    }
    return number.map { PoolReservation(number: $0, request: request, pool: state) }
  }

  /// Ends one warm VM; false if there is none.
  func endOneWarmVM() -> Bool { endWarmVM.withLock { $0 }?() == true }

  /// Whether it is the turn of ticket `number` and it lacks nothing but memory that warm VMs hold.
  private func needsWarmMemory(_ number: Int, _ state: PoolState) -> Bool {
    guard state.holdings.values.contains(where: \.isWarm),
      let ticket = state.turn(fits: { fits($0.request, $0.owner, state) }), ticket.number == number
    else { return false }
    switch budget {
    case .fixed(let memory, let cpus):
      return state.memory + ticket.request.memory > memory ?? PoolBudget.unlimitedMemory
        && state.cpus + ticket.request.cpus <= cpus ?? PoolBudget.unlimitedCPUs
    case .automatic:
      let host = capacity()
      return host.pressure.memory >= 10
        || host.available < host.reserve + promised(state) + ticket.request.memory
    }
  }

  // MARK: Reservations in force

  /// Bytes and processors that are reserved at the moment.
  package var inUse: (memory: UInt64, cpus: Int) { state.read { ($0.memory, $0.cpus) } }
}
