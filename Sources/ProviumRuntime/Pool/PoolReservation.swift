/// Memory and processors that the resource pool has granted. Given back once, by `release` or with the last reference.
package final class PoolReservation: Sendable {
  package let number: Int
  /// The request as it was made; `grow` adds to what the pool counts, not to this.
  package let request: PoolRequest
  private let pool: ResourcePool

  init(number: Int, request: PoolRequest, pool: ResourcePool) {
    self.number = number
    self.request = request
    self.pool = pool
  }

  /// Lets the next cold boot start: this VM is up.
  package func bootFinished() { pool.finishBoot(number) }

  /// Adds `bytes` to the reservation. Never refused, since the VM has taken them already; the next request waits for them.
  package func grow(by bytes: UInt64) { pool.grow(number, by: bytes) }

  /// Gives everything back. Idempotent.
  package func release() { pool.release(number) }

  deinit { release() }
}

/// A change of a request's state. Sent while the pool is locked, so that the notices in their order never show more
/// reserved than there is: the receiver must not call the pool.
package enum PoolNotice: Sendable {
  case waiting
  /// - Parameter waited: seconds.
  case granted(reservation: Int, waited: Double)
  /// - Parameter memory: bytes of the reservation in total.
  case grown(reservation: Int, memory: UInt64)
  case released(reservation: Int)
}
