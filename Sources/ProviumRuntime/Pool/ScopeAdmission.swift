import ProviumEvents
import ProviumSystem
import Synchronization

/// Admits the VMs of one scope: from the scope's own reservation if there is one, else from the resource pool.
/// Thread-safe.
package final class ScopeAdmission: Sendable {
  private struct Held: Sendable {
    weak let reservation: PoolReservation?
  }
  private struct State {
    /// Made by `reserve`.
    var reservation: ScopeReservation?
    /// Everything that the pool granted, as long as it is held.
    var held: [Held] = []
  }
  private let state = Mutex(State())
  private let pool: ResourcePool
  private let owner: PoolOwner
  private let name: String
  private let events: EventStream
  private let cancellation: Cancellation

  init(
    pool: ResourcePool,
    owner: PoolOwner,
    name: String,
    events: EventStream,
    cancellation: Cancellation
  ) {
    self.pool = pool
    self.owner = owner
    self.name = name
    self.events = events
    self.cancellation = cancellation
    cancellation.onStop { [pool] _ in pool.wake() }
  }

  var hasReservation: Bool { state.withLock { $0.reservation != nil } }

  /// Blocks until one VM is admitted.
  /// - Throws: `PoolError`, `ReservationError`.
  func admit(_ request: PoolRequest) throws -> MachineReservation {
    // Nothing begins after a request to stop.
    if cancellation.isRequested { throw PoolError.interrupted }
    guard let reservation = state.withLock({ $0.reservation }) else {
      return MachineReservation(try take(request))
    }
    try reservation.take(request)
    do {
      let turn = request.isColdBoot ? try take(.turn) : nil
      return MachineReservation(request, from: reservation, turn: turn)
    } catch {
      reservation.giveBack(memory: request.memory, cpus: request.cpus)
      throw error
    }
  }

  /// Admits a VM that only saves time, without waiting: from what is left of the scope's own reservation, else from what the
  /// pool has left.
  /// - Returns: nil if there is no room.
  func admitSpare(_ request: PoolRequest) throws -> MachineReservation? {
    if cancellation.isRequested { throw PoolError.interrupted }
    if let reservation = state.withLock({ $0.reservation }) {
      do { try reservation.take(request) } catch is ReservationError { return nil }
      return MachineReservation(request, from: reservation, turn: nil)
    }
    let tell = PoolNotice.teller(to: events, file: name, request)
    guard let reservation = pool.reserveSpare(request, owner: owner, name: name, tell: tell) else {
      return nil
    }
    hold(reservation)
    return MachineReservation(reservation)
  }

  /// Whether requests of other scopes wait for what this one has from the pool.
  var isWanted: Bool { !hasReservation && pool.isWanted }

  /// Blocks until the pool grants what all of the scope's VMs need together.
  func reserve(_ request: PoolRequest) throws {
    if cancellation.isRequested { throw PoolError.interrupted }
    let reservation = ScopeReservation(try take(request))
    state.withLock { $0.reservation = reservation }
  }

  /// Gives the scope's own reservation back.
  func endReservation() { state.withLock { $0.reservation = nil } }

  /// Gives back everything that the scope holds, also what its thread still refers to.
  func releaseAll() {
    for held in state.withLock({ $0.held }) { held.reservation?.release() }
  }

  private func take(_ request: PoolRequest) throws -> PoolReservation {
    let reservation = try pool.reserve(
      request,
      owner: owner,
      name: name,
      until: .never,
      isCancelled: { cancellation.isRequested },
      tell: PoolNotice.teller(to: events, file: name, request)
    )
    hold(reservation)
    return reservation
  }

  private func hold(_ reservation: PoolReservation) {
    state.withLock { state in
      state.held.removeAll { $0.reservation == nil }
      state.held.append(Held(reservation: reservation))
    }
  }
}
