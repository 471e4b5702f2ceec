import ProviumSystem

/// Memory and processors that the resource pool has granted. Given back once, by `release` or with the last reference.
package final class PoolReservation: Sendable {
  package let number: Int
  /// The request as it was made; `grow` adds to what the pool counts, not to this.
  package let request: PoolRequest
  private let pool: Monitor<PoolState>

  init(number: Int, request: PoolRequest, pool: Monitor<PoolState>) {
    self.number = number
    self.request = request
    self.pool = pool
  }

  /// Lets the next cold boot start: this VM is up.
  package func bootFinished() { pool.update { $0.finishBoot(number) } }

  /// Adds `bytes` to the reservation. Never refused, since the VM has taken them already; the next request waits for them.
  package func grow(by bytes: UInt64) { pool.update { $0.grow(number, by: bytes) } }

  /// Gives everything back. Idempotent.
  package func release() { pool.update { $0.release(number) } }

  deinit { release() }
}
