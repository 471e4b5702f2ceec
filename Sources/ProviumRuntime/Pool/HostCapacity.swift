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

  /// Bytes left to all other programs of the host: 1.5 GB, or a quarter of a host that has less than 6 GB.
  package var reserve: UInt64 { min(1_500_000_000, total / 4) }
  /// The most memory that a request can get.
  package var ceiling: UInt64 { total - min(reserve, total) }
  /// Virtual processors that may run at once: twice the real ones, since VMs under test mostly wait.
  package var cpuCeiling: Int { processors * 2 }
  /// The most virtual processors that a request can get: eight times the real ones, and at least the 16 of a locking test on
  /// a small host. With more, a guest's own watchdogs take the wait for a real processor for a hang.
  package var cpuLimit: Int { max(16, processors * 8) }
  /// Cold boots that may run at once: one for each processor; one in total while everything waits for the processors or the
  /// disk.
  package var boots: Int { pressure.cpu >= 90 || pressure.io >= 50 ? 1 : max(1, processors) }
}
