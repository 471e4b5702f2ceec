import ProviumEvents
import ProviumLua
import ProviumVM
import ProviumSystem
import Synchronization

/// Resources that a file claimed for all of its machines.
final class Reservation: Sendable {
  let claim: PoolReservation
  private let left: Mutex<(memory: UInt64, cpus: Int)>

  init(_ claim: PoolReservation) {
    self.claim = claim
    left = Mutex((claim.request.memory, claim.request.cpus))
  }

  /// Takes from what is left.
  /// - Returns: what is missing, in words; nil when it was there.
  func take(_ request: PoolRequest) -> String? {
    left.withLock { left in
      var missing: [String] = []
      if request.memory > left.memory {
        missing.append("\(Quantity.text(bytes: request.memory - left.memory)) of memory")
      }
      if request.cpus > left.cpus {
        missing.append("\(request.cpus - left.cpus) CPU\(request.cpus - left.cpus == 1 ? "" : "s")")
      }
      guard missing.isEmpty else { return missing.joined(separator: " and ") }
      left.memory -= request.memory
      left.cpus -= request.cpus
      return nil
    }
  }

  func giveBack(memory: UInt64, cpus: Int) {
    left.withLock {
      $0.memory += memory
      $0.cpus += cpus
    }
  }

  /// A machine costs more than it took: from what is left, else the whole claim grows.
  func grow(by bytes: UInt64) {
    let missing = left.withLock { left -> UInt64 in
      let taken = min(bytes, left.memory)
      left.memory -= taken
      return bytes - taken
    }
    if missing > 0 { claim.grow(by: missing) }
  }
}

/// A claim, without holding it.
struct HeldClaim: Sendable {
  weak let claim: PoolReservation?
  init(_ claim: PoolReservation) { self.claim = claim }
}

/// What one machine holds of the pool, or of its file's reservation; given back when nobody holds it.
final class MachineClaim: Sendable {
  private enum Source {
    case pool(PoolReservation)
    case reservation(Reservation, cpus: Int)
  }
  private let source: Source
  /// Bytes that are charged for it.
  private let charged: Mutex<UInt64>
  /// A cold boot's place among those in flight, where the resources are the file's already.
  private let turn: Mutex<PoolReservation?>

  init(fromPool claim: PoolReservation) {
    source = .pool(claim)
    charged = Mutex(claim.request.memory)
    turn = Mutex(nil)
  }
  init(_ request: PoolRequest, from reservation: Reservation, turn: PoolReservation?) {
    source = .reservation(reservation, cpus: request.cpus)
    charged = Mutex(request.memory)
    self.turn = Mutex(turn)
  }
  deinit {
    if case .reservation(let reservation, let cpus) = source {
      reservation.giveBack(memory: charged.withLock { $0 }, cpus: cpus)
    }
  }

  func bootFinished() {
    if case .pool(let claim) = source { claim.bootFinished() }
    turn.withLock { $0 = nil }
  }

  /// Few and large steps: each is an event.
  private static let step: UInt64 = 64 << 20

  /// What the machine costs by now; what was charged once stays charged.
  func charge(_ bytes: UInt64) {
    let growth = charged.withLock { charged -> UInt64 in
      guard bytes > charged else { return 0 }
      let growth = (bytes - charged + Self.step - 1) / Self.step * Self.step
      charged += growth
      return growth
    }
    guard growth > 0 else { return }
    switch source {
    case .pool(let claim): claim.grow(by: growth)
    case .reservation(let reservation, _): reservation.grow(by: growth)
    }
  }
}

extension FileSession {
  /// The earliest deadline of the running script.
  var scriptDeadline: Deadline { luaState?.deadline ?? outerDeadline }

  /// Admission of one machine: from the file's reservation, else from the pool.
  func admit(_ request: PoolRequest) throws -> MachineClaim {
    // Nothing begins any more.
    if isInterrupted { throw PoolError.interrupted }
    guard let reservation else { return MachineClaim(fromPool: try claim(request)) }
    if let missing = reservation.take(request) {
      throw LuaError.misuse(
        "provium.claim: the file claimed less than its machines need (\(missing) more)"
      )
    }
    do {
      let turn = request.isColdBoot ? try claim(.turn) : nil
      return MachineClaim(request, from: reservation, turn: turn)
    } catch {
      reservation.giveBack(memory: request.memory, cpus: request.cpus)
      throw error
    }
  }

  private func claim(_ request: PoolRequest) throws -> PoolReservation {
    let tell = PoolNotice.teller(to: events, file: file.name, request)
    let claim = try engine.pool.reserve(
      request,
      owner: owner,
      name: file.name,
      until: scriptDeadline,
      isCancelled: { isInterrupted },
      tell: tell
    )
    note(claim)
    return claim
  }

  /// `provium.claim{…}`.
  func reserve(_ request: PoolRequest) throws {
    if isInterrupted { throw PoolError.interrupted }
    guard reservation == nil, machines.count == 0 else {
      throw LuaError.misuse("provium.claim: once, and before the first machine")
    }
    reservation = Reservation(try claim(request))
  }

  /// Sleeps, but not past the script's end.
  func pause(_ duration: Duration, in state: LuaState) { sleep(duration) }

  /// Sleeps until the time is over, the script's deadline has passed, or the file is interrupted.
  func sleep(_ duration: Duration) {
    let end = min(Deadline.after(duration), scriptDeadline)
    _ = wakeUp.wait(until: end) { (isAwake: inout Bool) -> Void? in isAwake ? () : nil }
  }

  /// Keeps a machine's console beside the file's log, for the case that the file fails.
  func keepConsole(of machine: VirtualMachine, label: String) {
    let folder = "\(engine.run.path)/consoles"
    let safe = String(
      "\(file.name)-\(label)".map { $0.isLetter || $0.isNumber || "-_.".contains($0) ? $0 : "-" }
    )
    try? Files.createDirectories(folder, mode: 0o700)
    try? Files.rename(machine.console.path, to: "\(folder)/\(safe).log")
  }
}

extension PoolNotice {
  /// Makes events of what the pool says of a request.
  /// - Parameter file: empty for warm VMs.
  static func teller(to events: EventStream, file: String, _ request: PoolRequest)
    -> @Sendable (PoolNotice) -> Void
  {
    // A turn holds nothing: there is nothing to tell of.
    if request == .turn { return { _ in } }
    return { notice in
      switch notice {
      case .waiting: events.send(.poolWaiting(file: file, memory: request.memory, cpus: request.cpus))
      case .granted(let claim, let waited):
        events.send(
          .poolGranted(file: file, claim: claim, memory: request.memory, cpus: request.cpus, waited: waited)
        )
      case .grown(let claim, let memory): events.send(.poolGrown(file: file, claim: claim, memory: memory))
      case .released(let claim): events.send(.poolReleased(file: file, claim: claim))
      }
    }
  }
}
