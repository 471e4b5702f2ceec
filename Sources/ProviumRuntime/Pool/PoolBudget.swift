import ProviumSystem

/// What a request asks of the pool.
package struct PoolRequest: Sendable, Hashable {
  /// Bytes the machine is expected to cost: all its memory for a cold boot, its private pages for a resume.
  package var memory: UInt64
  package var cpus: Int
  /// Cold boots are staggered; a resume takes milliseconds and is not.
  package var isColdBoot: Bool

  package init(memory: UInt64, cpus: Int, isColdBoot: Bool) {
    self.memory = memory
    self.cpus = cpus
    self.isColdBoot = isColdBoot
  }
}

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
  /// Share of the last 10 s in which some task waited for memory, in percent (`/proc/pressure/memory`).
  package var memoryPressure: Double

  package init(total: UInt64, available: UInt64, processors: Int, memoryPressure: Double) {
    self.total = total
    self.available = available
    self.processors = processors
    self.memoryPressure = memoryPressure
  }

  package static var now: HostCapacity {
    HostCapacity(
      total: HostFacts.totalMemory ?? 0,
      available: HostFacts.availableMemory ?? 0,
      processors: HostFacts.processors,
      memoryPressure: HostFacts.memoryPressure
    )
  }

  /// Left to everything else on the host: 1.5 GB, or a quarter of a machine that has less than 6 GB.
  package var reserve: UInt64 { min(1_500_000_000, total / 4) }
  /// More than this no request can ever get.
  package var ceiling: UInt64 { total - min(reserve, total) }
  /// Virtual processors that may run at once: twice the real ones, as machines under test mostly wait.
  package var cpuCeiling: Int { processors * 2 }
}
