import ProviumNetwork
import ProviumRuntime

extension VirtualMachine: NetworkMember {}
extension Network.Station: NetworkMember {}

/// The VMs and stations on a network.
extension Network {
  /// The place of a member in the switch.
  /// - Throws: with the code `invalidUse`, for a member of another network.
  func port(of member: any NetworkMember) throws(ProviumError) -> PortNumber {
    switch member {
    case let vm as VirtualMachine: return try interface(of: vm).port
    case let station as Station:
      guard let port = station.port(on: self) else {
        throw ProviumError(.invalidUse, "the station is not on the network \(name)")
      }
      return port
    default: throw ProviumError(.invalidUse, "\(type(of: member)) is neither a VM nor a station")
    }
  }

  /// A VM's device on the network.
  /// - Throws: with the code `invalidUse`, for a VM that is not on the network.
  func interface(of vm: VirtualMachine) throws(ProviumError) -> NativeMachine.Interface {
    guard let found = vm.interfaces.first(where: { $0.network === virtual }) else {
      throw ProviumError(.invalidUse, "the VM is not on the network \(name)")
    }
    return found
  }
}
