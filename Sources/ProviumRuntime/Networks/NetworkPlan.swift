package import ProviumNetwork

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
