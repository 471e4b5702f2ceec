package import ProviumSystem
import Synchronization

/// Admits machines by memory, processors, pressure and boots in flight, over all files of a run.
///
/// Requests are served in the order they came; those of files that already hold a machine go first, since they
/// free what they hold only when they are done. The first request that does not fit holds back all behind it, so
/// that a big one is not starved by small ones.
package final class ResourcePool: Sendable {
  /// The file (or other party) that holds and asks.
  package typealias Owner = Int

  private struct Ticket {
    let number: Int
    let owner: Owner
    let name: String
    let request: PoolRequest
    var refusal: PoolError?
  }
  private struct Holding {
    let owner: Owner
    var request: PoolRequest
    var isBooting: Bool
    let grantedAt: UInt64
  }
  private struct State {
    var next = 1
    var waiting: [Ticket] = []
    var holdings: [Int: Holding] = [:]
    /// Since when every file that holds something waits for more.
    var stuckSince: UInt64?

    func holds(_ owner: Owner) -> Bool { holdings.values.contains { $0.owner == owner } }
    var memory: UInt64 { holdings.values.reduce(0) { $0 + $1.request.memory } }
    var cpus: Int { holdings.values.reduce(0) { $0 + $1.request.cpus } }
    var boots: Int { holdings.values.count { $0.isBooting } }
  }

  package let budget: PoolBudget
  private let capacity: @Sendable () -> HostCapacity
  /// How long the automatic mode waits for memory that others of the host may give back, before it takes files that
  /// wait for each other for a deadlock.
  private let patience: Duration
  private let state = Monitor(State())

  /// - Parameters:
  ///   - capacity: how the automatic mode sees the host; tests give their own.
  ///   - patience: of the automatic mode; what a fixed pool has changes by its own files alone.
  package init(
    _ budget: PoolBudget,
    patience: Duration = .seconds(10),
    capacity: @escaping @Sendable () -> HostCapacity = { .now }
  ) {
    self.budget = budget
    self.capacity = capacity
    self.patience = budget == .automatic ? patience : .zero
  }

  /// Blocks until the request is admitted. The claim is given back by `release`.
  /// - Parameters:
  ///   - name: the file, for messages.
  ///   - waiting: called once when the request is not admitted at once.
  package func claim(
    _ request: PoolRequest,
    owner: Owner,
    name: String,
    until deadline: Deadline,
    waiting: () -> Void = {}
  ) throws -> PoolClaim {
    try refuseImpossible(request)
    let number = state.update { state -> Int in
      defer { state.next += 1 }
      state.waiting.append(Ticket(number: state.next, owner: owner, name: name, request: request))
      return state.next
    }
    if try !admit(number) {
      waiting()
      while true {
        // What the host can spare changes without anybody telling us: ask again four times a second.
        let slice = min(deadline, .after(.milliseconds(250)))
        let settled = state.wait(until: slice) { state -> Bool? in
          guard let ticket = state.waiting.first(where: { $0.number == number }) else { return true }
          return ticket.refusal != nil || Self.isNext(ticket, in: state) && fits(ticket, state)
            ? true : nil
        }
        if settled != nil || !deadline.isExpired { if try admit(number) { break } }
        if deadline.isExpired {
          state.update { state in state.waiting.removeAll { $0.number == number } }
          throw PoolError.timedOut(request: request, held: state.read { $0.memory })
        }
      }
    }
    return PoolClaim(number: number, request: request, pool: self)
  }

  /// Grants ticket `number` if its turn has come and it fits; throws when it was chosen to break a deadlock.
  private func admit(_ number: Int) throws -> Bool {
    try state.update { state in
      guard let index = state.waiting.firstIndex(where: { $0.number == number }) else { return false }
      let ticket = state.waiting[index]
      if let refusal = ticket.refusal {
        state.waiting.remove(at: index)
        throw refusal
      }
      if Self.isNext(ticket, in: state), fits(ticket, state) {
        state.waiting.remove(at: index)
        state.stuckSince = nil
        state.holdings[number] = Holding(
          owner: ticket.owner,
          request: ticket.request,
          isBooting: ticket.request.isColdBoot,
          grantedAt: Deadline.now
        )
        return true
      }
      breakDeadlock(&state)
      if let refusal = state.waiting.first(where: { $0.number == number })?.refusal {
        state.waiting.removeAll { $0.number == number }
        throw refusal
      }
      return false
    }
  }

  private static func isNext(_ ticket: Ticket, in state: State) -> Bool {
    let holders = state.waiting.filter { state.holds($0.owner) }
    return (holders.first ?? state.waiting.first)?.number == ticket.number
  }

  private func fits(_ ticket: Ticket, _ state: State) -> Bool {
    let request = ticket.request
    switch budget {
    case .fixed(let memory, let cpus):
      return state.memory + request.memory <= memory && state.cpus + request.cpus <= cpus
        && (!request.isColdBoot || state.boots < max(1, HostFacts.processors))
    case .automatic:
      let host = capacity()
      if request.isColdBoot, state.boots >= max(1, host.processors) { return false }
      if state.holdings.isEmpty { return host.available >= request.memory || host.total == 0 }
      // A machine granted in the last seconds has not yet touched what it was granted for.
      let promised = state.holdings.values.filter { Deadline.now - $0.grantedAt < 3_000_000_000 }
        .reduce(UInt64(0)) { $0 + $1.request.memory }
      // Processors can be shared, so they limit how many files begin, not how many machines a file gathers.
      let hasProcessors =
        state.cpus + request.cpus <= max(host.cpuCeiling, request.cpus) || state.holds(ticket.owner)
      return hasProcessors && host.memoryPressure < 10
        && host.available >= host.reserve + promised + request.memory
    }
  }

  /// Every file that holds something waits for more: nobody will give anything back. The last to ask is told.
  private func breakDeadlock(_ state: inout State) {
    let stuck = stuckTickets(state)
    guard let victim = stuck.last else {
      state.stuckSince = nil
      return
    }
    let since = state.stuckSince ?? Deadline.now
    state.stuckSince = since
    guard Duration.nanoseconds(Int64(Deadline.now - since)) >= patience else { return }
    state.stuckSince = nil
    let others = stuck.dropLast().map { state.waiting[$0].name }
    state.waiting[victim].refusal = .deadlock(
      request: state.waiting[victim].request,
      held: state.memory,
      others: others
    )
  }

  /// Indices of the requests that hold each other up; empty while anybody can go on.
  private func stuckTickets(_ state: State) -> [Int] {
    let holders = Set(state.holdings.values.map(\.owner))
    let waiting = Set(state.waiting.map(\.owner))
    guard !holders.isEmpty, holders.isSubset(of: waiting), state.boots == 0 else { return [] }
    let stuck = state.waiting.indices.filter { holders.contains(state.waiting[$0].owner) }
    let isStuck = stuck.allSatisfy { state.waiting[$0].refusal == nil && !fits(state.waiting[$0], state) }
    return isStuck ? stuck : []
  }

  private func refuseImpossible(_ request: PoolRequest) throws {
    switch budget {
    case .fixed(let memory, let cpus):
      guard request.memory <= memory, request.cpus <= cpus else {
        throw PoolError.neverFits(request: request, memory: memory, cpus: cpus)
      }
    case .automatic:
      let host = capacity()
      guard host.total == 0 || request.memory <= host.ceiling else {
        throw PoolError.neverFits(request: request, memory: host.ceiling, cpus: host.cpuCeiling)
      }
    }
  }

  fileprivate func finishBoot(_ number: Int) {
    state.update { $0.holdings[number]?.isBooting = false }
  }

  fileprivate func release(_ number: Int) {
    state.update { _ = $0.holdings.removeValue(forKey: number) }
  }

  /// Whether a machine that nobody asked for yet fits beside everything that is out, and `present` others of its kind.
  func hasRoomForSpare(_ cost: UInt64, present: Int) -> Bool {
    let isIdle = state.read { $0.waiting.isEmpty }
    switch budget {
    case .fixed(let memory, _): return isIdle && inUse.memory + cost * UInt64(present + 1) <= memory
    case .automatic:
      let host = capacity()
      return isIdle && host.memoryPressure < 5 && host.available > host.reserve + 2 * cost
    }
  }

  /// Bytes and processors that are out at the moment.
  package var inUse: (memory: UInt64, cpus: Int) { state.read { ($0.memory, $0.cpus) } }
}

/// What was admitted. Given back once, by `release` or when it goes.
package final class PoolClaim: Sendable {
  package let number: Int
  package let request: PoolRequest
  private let pool: ResourcePool
  private let released = Mutex<(isReleased: Bool, tell: (@Sendable () -> Void)?)>((false, nil))

  fileprivate init(number: Int, request: PoolRequest, pool: ResourcePool) {
    self.number = number
    self.request = request
    self.pool = pool
  }

  /// The machine is up: the next cold boot may start.
  package func bootFinished() { pool.finishBoot(number) }

  /// Calls `tell` once, just before the claim is given back.
  package func onRelease(_ tell: @escaping @Sendable () -> Void) { released.withLock { $0.tell = tell } }

  /// Twice is fine.
  package func release() {
    let tell = released.withLock { released -> (@Sendable () -> Void)? in
      guard !released.isReleased else { return nil }
      released.isReleased = true
      return released.tell ?? {}
    }
    guard let tell else { return }
    // Before anybody else can be given it, so that the events of a run never show more than the pool has.
    tell()
    pool.release(number)
  }

  deinit { release() }
}

/// Why the pool does not admit a machine.
package enum PoolError: Error, Sendable, CustomStringConvertible {
  case neverFits(request: PoolRequest, memory: UInt64, cpus: Int)
  case deadlock(request: PoolRequest, held: UInt64, others: [String])
  case timedOut(request: PoolRequest, held: UInt64)

  package var description: String {
    switch self {
    case .neverFits(let request, let memory, let cpus):
      "a machine of \(Self.text(request)) can never fit into \(Quantity.text(bytes: memory)) of memory and \(cpus) CPUs"
    case .deadlock(let request, let held, let others):
      "resource deadlock: this file holds machines and waits for \(Self.text(request)) more, while "
        + (others.isEmpty
          ? "nothing else runs"
          : "\(others.joined(separator: ", ")) wait\(others.count == 1 ? "s" : "") in the same way")
        + " (\(Quantity.text(bytes: held)) are out). Ask for all machines at once with "
        + "provium.claim{memory=…, cpus=…} at the top of the file, or run fewer files in parallel (-p)"
    case .timedOut(let request, let held):
      "the resource pool had no room for \(Self.text(request)) in time (\(Quantity.text(bytes: held)) are out)"
    }
  }

  private static func text(_ request: PoolRequest) -> String {
    "\(Quantity.text(bytes: request.memory)) and \(request.cpus) CPU\(request.cpus == 1 ? "" : "s")"
  }
}
