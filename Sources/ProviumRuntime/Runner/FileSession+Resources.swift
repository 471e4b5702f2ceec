import ProviumLua
import ProviumMachine
import ProviumSystem

/// Resources that a file claimed for all of its machines.
final class Reservation {
  private let claim: PoolClaim
  private var memory: UInt64
  private var cpus: Int

  init(_ claim: PoolClaim) {
    self.claim = claim
    memory = claim.request.memory
    cpus = claim.request.cpus
  }

  /// True when the request fits what is left, which is then less.
  func take(_ request: PoolRequest) -> Bool {
    guard request.memory <= memory, request.cpus <= cpus else { return false }
    memory -= request.memory
    cpus -= request.cpus
    return true
  }

  func giveBack(_ request: PoolRequest) {
    memory += request.memory
    cpus += request.cpus
  }
}

/// A claim, without holding it.
struct HeldClaim: Sendable {
  weak let claim: PoolClaim?
  init(_ claim: PoolClaim) { self.claim = claim }
}

/// What one machine holds of the pool, or of its file's reservation; given back when nobody holds it.
final class MachineClaim {
  private let claim: PoolClaim?
  private let reservation: (request: PoolRequest, from: Reservation)?

  init(fromPool claim: PoolClaim) {
    self.claim = claim
    reservation = nil
  }
  init(_ request: PoolRequest, from reservation: Reservation) {
    claim = nil
    self.reservation = (request, reservation)
  }
  deinit { if let reservation { reservation.from.giveBack(reservation.request) } }

  func bootFinished() { claim?.bootFinished() }
}

extension FileSession {
  /// The earliest deadline of the running script.
  var scriptDeadline: Deadline { luaState?.deadline ?? .never }

  /// Admission of one machine: from the file's reservation, else from the pool.
  func admit(_ request: PoolRequest) throws -> MachineClaim {
    guard let reservation else { return MachineClaim(fromPool: try claim(request)) }
    guard reservation.take(request) else {
      throw LuaError.misuse(
        "provium.claim: the file claimed less than its machines need (\(Quantity.text(bytes: request.memory)) more)"
      )
    }
    return MachineClaim(request, from: reservation)
  }

  private func claim(_ request: PoolRequest) throws -> PoolClaim {
    let begin = Deadline.now
    let claim = try engine.pool.claim(request, owner: owner, name: file.name, until: scriptDeadline) {
      events.send(.poolWaiting(file: file.name, memory: request.memory, cpus: request.cpus))
    }
    let waited = Double(Deadline.now - begin) / 1e9
    events.send(
      .poolGranted(
        file: file.name,
        claim: claim.number,
        memory: request.memory,
        cpus: request.cpus,
        waited: waited
      )
    )
    note(claim)
    claim.onRelease { [events, name = file.name, number = claim.number] in
      events.send(.poolReleased(file: name, claim: number))
    }
    return claim
  }

  /// `provium.claim{…}`.
  func reserve(_ request: PoolRequest) throws {
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
