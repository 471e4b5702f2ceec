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
