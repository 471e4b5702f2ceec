package import ProviumSystem
import Synchronization

/// The host's resources, as the automatic mode sees them.
package struct HostCapacity: Sendable, Hashable {
  /// Bytes of memory that this process may use in total: the host's, or the limit of its control group.
  package var total: UInt64
  /// Bytes of `total` that are free.
  package var available: UInt64
  package var processors: Int
  package var pressure: HostPressure

  package init(total: UInt64, available: UInt64, processors: Int, pressure: HostPressure = HostPressure()) {
    self.total = total
    self.available = available
    self.processors = processors
    self.pressure = pressure
  }

  package static var now: HostCapacity {
    let memory = HostFacts.memory
    return HostCapacity(
      total: memory?.total ?? 0,
      available: memory?.available ?? 0,
      processors: HostFacts.processors,
      pressure: HostFacts.pressure
    )
  }

  /// The resources at most 20 ms ago. A measurement reads a dozen small files, and the admission of one VM asks several times.
  package static var recent: HostCapacity {
    last.withLock { last in
      if let last, Deadline.now - last.at < validity { return last.capacity }
      let capacity = now
      last = (capacity, Deadline.now)
      return capacity
    }
  }
  private static let validity: UInt64 = 20_000_000
  private static let last = Mutex<(capacity: HostCapacity, at: UInt64)?>(nil)
}
