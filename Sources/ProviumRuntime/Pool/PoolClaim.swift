/// What was admitted. Given back once, by `release` or when it goes.
package final class PoolClaim: Sendable {
  package let number: Int
  /// As it was asked for; `grow` adds to what the pool counts.
  package let request: PoolRequest
  private let pool: ResourcePool

  init(number: Int, request: PoolRequest, pool: ResourcePool) {
    self.number = number
    self.request = request
    self.pool = pool
  }

  /// The machine is up: the next cold boot may start.
  package func bootFinished() { pool.finishBoot(number) }

  /// It costs `bytes` more than was claimed. Never refused, as they are gone already; what asks next has to wait for them.
  package func grow(by bytes: UInt64) { pool.grow(number, by: bytes) }

  /// Twice is fine.
  package func release() { pool.release(number) }

  deinit { release() }
}

/// What the pool says of a request. Told with the pool held, so that what is told never shows more given out than there is:
/// it must not call the pool.
package enum PoolNotice: Sendable {
  case waiting
  case granted(claim: Int, waited: Double)
  /// - Parameter memory: bytes, all together.
  case grown(claim: Int, memory: UInt64)
  case released(claim: Int)
}
