import Synchronization

/// What one VM holds of the pool, or of its scope's reservation. Given back with the last reference. Thread-safe.
final class MachineReservation: Sendable {
  private enum Source {
    case pool(PoolReservation)
    case scope(ScopeReservation, cpus: Int)
  }
  private let source: Source
  /// Bytes that are charged for the VM.
  private let charged: Mutex<UInt64>
  /// A cold boot's place among those in progress, if the resources are the scope's already.
  private let turn: Mutex<PoolReservation?>

  init(_ reservation: PoolReservation) {
    source = .pool(reservation)
    charged = Mutex(reservation.request.memory)
    turn = Mutex(nil)
  }

  init(_ request: PoolRequest, from reservation: ScopeReservation, turn: PoolReservation?) {
    source = .scope(reservation, cpus: request.cpus)
    charged = Mutex(request.memory)
    self.turn = Mutex(turn)
  }

  deinit {
    if case .scope(let reservation, let cpus) = source {
      reservation.giveBack(memory: charged.withLock { $0 }, cpus: cpus)
    }
  }

  /// Lets the next cold boot start: this VM is up.
  func bootFinished() {
    if case .pool(let reservation) = source { reservation.bootFinished() }
    turn.withLock { $0 = nil }
  }

  /// Growth is charged in few and large steps, since each step is an event.
  private static let step: UInt64 = 64 << 20

  /// Charges what the VM costs now, in bytes. What was charged once stays charged.
  func charge(_ bytes: UInt64) {
    let growth = charged.withLock { charged -> UInt64 in
      guard bytes > charged else { return 0 }
      let growth = (bytes - charged + Self.step - 1) / Self.step * Self.step
      charged += growth
      return growth
    }
    guard growth > 0 else { return }
    switch source {
    case .pool(let reservation): reservation.grow(by: growth)
    case .scope(let reservation, _): reservation.grow(by: growth)
    }
  }
}
