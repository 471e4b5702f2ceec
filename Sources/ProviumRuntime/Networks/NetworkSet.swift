import ProviumNetwork
import ProviumSystem

/// The networks of one scope, in the order of their creation. Belongs to the scope's thread.
package final class NetworkSet {
  package private(set) var all: [VirtualNetwork] = []
  private var created = 0

  init() {}

  package var count: Int { all.count }

  /// Creates a network, without a way to the host.
  /// - Throws: `ProviumError` for a name that is used, or a subnet that overlaps.
  func add(_ plan: NetworkPlan) throws -> VirtualNetwork {
    guard !all.contains(where: { $0.name == plan.name }) else {
      throw ProviumError(.invalidUse, "there is a network '\(plan.name)' already")
    }
    created += 1
    var subnets = plan.subnets
    if subnets.isEmpty, let own = IPSubnet("10.77.\(created % 256).0/24") { subnets = [own] }
    for (index, subnet) in subnets.enumerated() {
      if let other = subnets.dropFirst(index + 1).first(where: subnet.overlaps) {
        throw ProviumError(.invalidUse, "the subnets \(subnet) and \(other) overlap")
      }
      for network in all {
        if let other = network.subnets.first(where: subnet.overlaps) {
          throw ProviumError(
            .invalidUse,
            "the subnet \(subnet) overlaps \(other) of the network '\(network.name)'"
          )
        }
      }
    }
    guard !plan.hasDHCP || subnets.contains(where: { !$0.isV6 }) else {
      throw ProviumError(.invalidUse, "dhcp = true needs an IPv4 subnet")
    }
    var plan = plan
    plan.subnets = subnets
    let network = try VirtualNetwork(plan, number: created)
    all.append(network)
    return network
  }

  /// Creates a network of a lab that was saved, with all its ports. It may have the name and the subnets of another network: no
  /// VM is on both.
  /// - Returns: the network, and its interfaces by the positions of their ports.
  func add(_ saved: SavedNetwork) throws -> (VirtualNetwork, [Int: NetworkInterface]) {
    created += 1
    let network = try VirtualNetwork(
      NetworkPlan(
        name: saved.name,
        subnets: saved.subnets,
        mtu: saved.mtu,
        hasDHCP: saved.hasDHCP ?? false
      ),
      number: created
    )
    all.append(network)
    var interfaces: [Int: NetworkInterface] = [:]
    // The network's own ports exist already.
    for (position, port) in saved.ports.enumerated().dropFirst(network.ports.count) {
      interfaces[position] = try network.addInterface(
        owner: port.name,
        mac: port.mac,
        addresses: port.addresses
      )
    }
    return (network, interfaces)
  }

  /// Closes the networks that were created after the first `count`.
  package func end(after count: Int) {
    for network in all.dropFirst(count) { network.end() }
    all.removeLast(max(0, all.count - count))
  }
}
