import ProviumNetwork
import Synchronization

/// Networks that belong to no scope.
extension VirtualNetwork {
  private static let created = Atomic<Int>(0)

  /// Creates a network for VMs of several scopes.
  /// - Parameter services: for a network that reaches the host.
  /// - Throws: `ProviumError` for subnets that overlap, and where the host cannot be reached.
  package convenience init(_ plan: NetworkPlan, _ services: EngineServices? = nil) throws {
    if plan.reachesHost { try plan.checkHost() }
    let number = Self.created.add(1, ordering: .relaxed).newValue
    var plan = plan
    if plan.subnets.isEmpty, let own = IPSubnet("10.78.\(number % 256).0/24") { plan.subnets = [own] }
    for (index, subnet) in plan.subnets.enumerated() {
      if let other = plan.subnets.dropFirst(index + 1).first(where: subnet.overlaps) {
        throw ProviumError(.invalidUse, "the subnets \(subnet) and \(other) overlap")
      }
    }
    // Apart from the numbers of networks of scripts.
    try self.init(plan, number: 0x8000 + number % 0x8000)
    guard plan.reachesHost, let services else { return }
    do { try connectHost(services) } catch {
      end()
      throw error
    }
  }
}
