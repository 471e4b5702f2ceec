import ProviumLua
import ProviumNetwork
import ProviumRuntime
import ProviumVM

/// The options of `vm:boot` and `provium.fixture` that concern networks.
struct NetworkOptions {
  static let names = ["nics", "hostname"]

  let requests: [InterfaceRequest]
  let hostName: String?

  init(_ options: LuaOptions, _ context: ScriptContext) throws {
    requests = try options["nics"]?.list().map { try Self.request($0, context) } ?? []
    hostName = try options["hostname"].map(Self.checkedName)
  }

  /// A network, or `{network = …, mac = …, ip = …, model = …}`.
  private static func request(_ argument: LuaArgument, _ context: ScriptContext) throws -> InterfaceRequest {
    guard case .table = argument.value else {
      return InterfaceRequest(network: try network(argument, context))
    }
    let options = try argument.options(known: ["network", "mac", "ip", "model"])
    guard let network = options["network"] else {
      throw argument.expected("a network, or a table with 'network'")
    }
    return InterfaceRequest(
      network: try self.network(network, context),
      mac: try options["mac"].map(mac),
      addresses: try options["ip"].map(addresses) ?? [],
      model: try options["model"].map(model) ?? .virtio
    )
  }

  private static func model(_ argument: LuaArgument) throws -> NetworkDevice.Model {
    let name = try argument.string(oneOf: NetworkDevice.Model.allCases.map(\.rawValue))
    return NetworkDevice.Model(rawValue: name) ?? .virtio
  }

  private static func network(_ argument: LuaArgument, _ context: ScriptContext) throws -> VirtualNetwork {
    try argument.object(try context.types.type(of: NetworkObject.self)).network
  }

  /// A host name (RFC 1123).
  private static func checkedName(_ argument: LuaArgument) throws -> String {
    let name = try argument.string()
    let isGood = name.utf8.allSatisfy { byte in
      switch byte {
      case UInt8(ascii: "a")...UInt8(ascii: "z"), UInt8(ascii: "A")...UInt8(ascii: "Z"),
        UInt8(ascii: "0")...UInt8(ascii: "9"), UInt8(ascii: "-"), UInt8(ascii: "."):
        true
      default: false
      }
    }
    guard isGood, (1...63).contains(name.utf8.count), !name.hasPrefix("-"), !name.hasPrefix(".") else {
      throw argument.expected("a host name of letters, digits, '-' and '.', at most 63 characters")
    }
    return name
  }

  static func mac(_ argument: LuaArgument) throws -> MACAddress {
    guard let mac = MACAddress(try argument.string()) else {
      throw argument.expected("an Ethernet address such as \"02:00:00:00:00:01\"")
    }
    return mac
  }

  /// An address, or a list of them.
  static func addresses(_ argument: LuaArgument) throws -> [IPAddress] {
    if case .table = argument.value { return try argument.list().map(address) }
    return [try address(argument)]
  }

  private static func address(_ argument: LuaArgument) throws -> IPAddress {
    guard let address = IPAddress(try argument.string()) else {
      throw argument.expected("an IP address such as \"10.7.0.9\"")
    }
    return address
  }
}
