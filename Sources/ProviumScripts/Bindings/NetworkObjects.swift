import ProviumLua
import ProviumNetwork
import ProviumRuntime

/// A network as a script holds it.
final class NetworkObject {
  unowned let context: ScriptContext
  let network: VirtualNetwork

  init(_ network: VirtualNetwork, _ context: ScriptContext) {
    self.network = network
    self.context = context
  }
}

/// One or both directions between two ports, as a script holds them.
final class LinkObject {
  let network: NetworkObject
  let directions: [(from: PortNumber, to: PortNumber)]

  init(_ network: NetworkObject, _ directions: [(from: PortNumber, to: PortNumber)]) {
    self.network = network
    self.directions = directions
  }
}

/// A network device of a VM as a script holds it.
final class InterfaceObject {
  let interface: NetworkInterface
  let vm: VMObject

  init(_ interface: NetworkInterface, _ vm: VMObject) {
    self.interface = interface
    self.vm = vm
  }
}

/// A station that a script plays: `lan:port{…}`.
final class StationObject {
  let network: NetworkObject
  let station: Station
  let port: PortNumber
  /// The functions of `port:on`, by the kind of frame, in the order in which they were added.
  var handlers: [(filter: String, body: LuaFunction)] = []

  init(_ network: NetworkObject, _ station: Station, _ port: PortNumber) {
    self.network = network
    self.station = station
    self.port = port
  }
}
