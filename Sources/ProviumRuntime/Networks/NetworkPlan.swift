package import ProviumNetwork
import Synchronization

/// The settings of a network that is to be created.
package struct NetworkPlan {
  package var name: String
  /// Empty: `10.77.N.0/24`, where N is the network's number in its scope.
  package var subnets: [IPSubnet]
  /// nil: the standard one of 1500.
  package var mtu: Int?
  /// Whether guests ask the network for their IPv4 addresses instead of having them from the agent.
  package var hasDHCP: Bool
  /// Whether VMs reach what this computer reaches.
  package var reachesHost: Bool

  package init(
    name: String,
    subnets: [IPSubnet] = [],
    mtu: Int? = nil,
    hasDHCP: Bool = false,
    reachesHost: Bool = false
  ) {
    self.name = name
    self.subnets = subnets
    self.mtu = mtu
    self.hasDHCP = hasDHCP
    self.reachesHost = reachesHost
  }
}

extension VirtualNetwork {
  private static let created = Atomic<Int>(0)

  /// Creates a network for VMs of several scopes.
  /// - Throws: `ProviumError` for subnets that overlap.
  package convenience init(_ plan: NetworkPlan) throws {
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
  }
}
