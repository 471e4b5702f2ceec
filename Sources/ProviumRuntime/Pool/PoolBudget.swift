package import ProviumSystem

/// How much there is to give.
package enum PoolBudget: Sendable, Hashable {
  /// `--mem 4G --cpus 8`: exactly that.
  case fixed(memory: UInt64, cpus: Int)
  /// What the host has at the moment, less a reserve.
  case automatic

  /// `resource pool: 4096M memory, 8 CPUs`; nil in automatic mode.
  package var header: String? {
    guard case .fixed(let memory, let cpus) = self else { return nil }
    return "resource pool: \(memory >> 20)M memory, \(cpus) CPUs"
  }
}

/// What the host can spare, as the automatic mode sees it.
package struct HostCapacity: Sendable, Hashable {
  package var total: UInt64
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
    HostCapacity(
      total: HostFacts.totalMemory ?? 0,
      available: HostFacts.availableMemory ?? 0,
      processors: HostFacts.processors,
      pressure: HostFacts.pressure
    )
  }

  /// Left to everything else on the host: 1.5 GB, or a quarter of a machine that has less than 6 GB.
  package var reserve: UInt64 { min(1_500_000_000, total / 4) }
  /// More than this no request can ever get.
  package var ceiling: UInt64 { total - min(reserve, total) }
  /// Virtual processors that may run at once: twice the real ones, as machines under test mostly wait.
  package var cpuCeiling: Int { processors * 2 }
  /// More than this no request can ever get: eight times the real ones, and always the 16 of a test of locking on a small
  /// machine. Beyond, a guest's own watchdogs take the wait for a real processor for a hang.
  package var cpuLimit: Int { max(16, processors * 8) }
  /// Cold boots that may go on at once: as many as there are processors; one after the other while everything waits for them
  /// or for the disk.
  package var boots: Int { pressure.cpu >= 90 || pressure.io >= 50 ? 1 : max(1, processors) }
}
