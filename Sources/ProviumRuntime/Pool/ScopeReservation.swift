import ProviumSystem
import Synchronization

/// Resources that a scope reserved for all of its VMs together. Thread-safe.
final class ScopeReservation: Sendable {
  private let reserved: PoolReservation
  private let left: Mutex<(memory: UInt64, cpus: Int)>

  init(_ reserved: PoolReservation) {
    self.reserved = reserved
    left = Mutex((reserved.request.memory, reserved.request.cpus))
  }

  /// Takes from what is left.
  /// - Throws: `ReservationError` if too little is left.
  func take(_ request: PoolRequest) throws {
    try left.withLock { left in
      var missing: [String] = []
      if request.memory > left.memory {
        missing.append("\(Quantity.text(bytes: request.memory - left.memory)) of memory")
      }
      if request.cpus > left.cpus {
        missing.append("\(request.cpus - left.cpus) CPU\(request.cpus - left.cpus == 1 ? "" : "s")")
      }
      guard missing.isEmpty else { throw ReservationError(missing: missing.joined(separator: " and ")) }
      left.memory -= request.memory
      left.cpus -= request.cpus
    }
  }

  func giveBack(memory: UInt64, cpus: Int) {
    left.withLock {
      $0.memory += memory
      $0.cpus += cpus
    }
  }

  /// Charges a VM that costs `bytes` more than it took: from what is left, else the whole reservation grows.
  func grow(by bytes: UInt64) {
    let missing = left.withLock { left -> UInt64 in
      let taken = min(bytes, left.memory)
      left.memory -= taken
      return bytes - taken
    }
    if missing > 0 { reserved.grow(by: missing) }
  }
}

/// A scope reserved less than its VMs need.
struct ReservationError: CodedError, CustomStringConvertible {
  let missing: String
  var code: ProviumError.Code { .invalidUse }
  var description: String {
    "provium.claim: the file claimed less than its machines need (\(missing) more)"
  }
}
