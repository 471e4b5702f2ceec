import ProviumNetwork

/// A network that was saved.
package struct SavedNetwork: Sendable, Codable, Hashable {
  struct Port: Sendable, Codable, Hashable {
    let name: String
    let mac: MACAddress
    let addresses: [IPAddress]
    let isStation: Bool
  }

  let name: String
  let subnets: [IPSubnet]
  let mtu: Int?
  /// nil: false.
  let hasDHCP: Bool?
  let ports: [Port]
  let state: SavedSwitch
}
