/// The resources that a pool grants in total.
package enum PoolBudget: Sendable, Hashable {
  /// `--mem 4G --cpus 8`: exactly that. nil: that resource is not limited; at least one is.
  case fixed(memory: UInt64?, cpus: Int?)
  /// The host's free resources at the moment, less a reserve.
  case automatic

  /// The fixed budget of the given limits; nil where there is no limit.
  package static func fixedIfGiven(memory: UInt64?, cpus: Int?) -> PoolBudget? {
    memory == nil && cpus == nil ? nil : .fixed(memory: memory, cpus: cpus)
  }

  /// The limit of a resource that is not limited: so high that no sum of reservations and requests overflows.
  static let unlimitedMemory: UInt64 = 1 << 62
  static let unlimitedCPUs = 1 << 32

  /// `resource pool: 4096M memory, 8 CPUs`; nil in automatic mode.
  package var header: String? {
    guard case .fixed(let memory, let cpus) = self else { return nil }
    let memoryText = memory.map { "\($0 >> 20)M" } ?? "unlimited"
    return "resource pool: \(memoryText) memory, \(cpus.map { "\($0)" } ?? "unlimited") CPUs"
  }
}
