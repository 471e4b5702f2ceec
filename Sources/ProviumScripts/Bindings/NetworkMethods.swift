import Glibc
import ProviumLua
import ProviumNetwork
import ProviumRuntime
import ProviumSystem

/// `provium.network`, `vm:nic`, and the Lua type `network`.
enum NetworkMethods {
  static func makeType() -> LuaObjectType<NetworkObject> {
    LuaObjectType<NetworkObject>(
      name: "network",
      methodList: Misuse.translated([
        ("between", between), ("from", from), ("set", set), ("partition", partition), ("heal", heal),
        ("drop", drop), ("undrop", undrop), ("capture", capture), ("stop_capture", stopCapture),
        ("counts", counts), ("port", StationMethods.port), ("forward", forward),
      ]),
      memberNames: ["name"],
      member: { $1 == "name" ? .text($0.network.name) : nil },
      describe: { "network \($0.network.name)" }
    )
  }

  /// `provium.network(name, {subnet = …, mtu = …, dhcp = …, host = …})`
  static func network(_ call: LuaCall, _ context: ScriptContext) throws -> [LuaValue] {
    try call.expect(atMost: 2)
    let argument = call.argument(1, "name")
    let name = try argument.string()
    guard (1...32).contains(name.utf8.count) else { throw argument.expected("a name of 1 to 32 bytes") }
    let options = try call.options(2, known: ["subnet", "mtu", "dhcp", "host"])
    let subnets = try options["subnet"].map { option -> [IPSubnet] in
      if case .table = option.value { return try option.list().map(subnet) }
      return [try subnet(option)]
    }
    let mtu = try options["mtu"].map { Int(try $0.integer(in: 576...65500)) }
    let plan = NetworkPlan(
      name: name,
      subnets: subnets ?? [],
      mtu: mtu,
      hasDHCP: try options["dhcp"]?.boolean() ?? false,
      reachesHost: try options["host"]?.boolean() ?? false
    )
    let network = try Misuse.translating(call) { try context.scope.context.createNetwork(plan) }
    return [try context.types.value(NetworkObject(network, context))]
  }

  private static func subnet(_ argument: LuaArgument) throws -> IPSubnet {
    guard let subnet = IPSubnet(try argument.string()) else {
      throw argument.expected("a subnet with room for two hosts, such as \"10.7.0.0/24\" or \"fd07::/64\"")
    }
    return subnet
  }

  /// `vm:nic(network)`: by the network, its name, or the device's number from 1.
  static func nic(_ vm: VMObject, _ call: LuaCall) throws -> [LuaValue] {
    try call.expect(atMost: 1)
    let argument = call.argument(1, "network")
    let interfaces = vm.machine.interfaces
    let found: NetworkInterface?
    if let number = argument.value.integer {
      found = number >= 1 && number <= interfaces.count ? interfaces[Int(number) - 1] : nil
    } else if case .string = argument.value {
      let name = try argument.string()
      found = interfaces.first { $0.network.name == name }
    } else {
      let network = try argument.object(try vm.context.types.type(of: NetworkObject.self)).network
      found = interfaces.first { $0.network === network }
    }
    guard let found else {
      throw argument.expected("a network, or the number of a device, that the machine has")
    }
    return [try vm.context.types.value(InterfaceObject(found, vm))]
  }

  // MARK: Impairments

  /// `lan:between(a, b)`: both directions.
  private static func between(_ object: NetworkObject, _ call: LuaCall) throws -> [LuaValue] {
    try call.expect(atMost: 2)
    let (one, other) = (try port(call.argument(1, "a"), object), try port(call.argument(2, "b"), object))
    return [try object.context.types.value(LinkObject(object, [(one, other), (other, one)]))]
  }

  /// `lan:from(a, b)`: the direction from a to b.
  private static func from(_ object: NetworkObject, _ call: LuaCall) throws -> [LuaValue] {
    try call.expect(atMost: 2)
    let direction = (try port(call.argument(1, "a"), object), try port(call.argument(2, "b"), object))
    return [try object.context.types.value(LinkObject(object, [direction]))]
  }

  /// `lan:set{…}`: all directions without impairments of their own.
  private static func set(_ object: NetworkObject, _ call: LuaCall) throws -> [LuaValue] {
    try call.expect(atMost: 1)
    object.network.network.setAll(try Impairment(call))
    return []
  }

  /// `lan:partition({a}, {b, c})`
  private static func partition(_ object: NetworkObject, _ call: LuaCall) throws -> [LuaValue] {
    guard call.arguments.count >= 2 else { throw call.misuse("needs two groups or more") }
    var seen: Set<PortNumber> = []
    let groups = try call.arguments.indices.map { index in
      try call.argument(index + 1, "group \(index + 1)").list().map { argument in
        let port = try port(argument, object)
        guard seen.insert(port).inserted else { throw argument.refused("is in a group already") }
        return port
      }
    }
    object.network.network.partition(groups)
    return []
  }

  private static func heal(_ object: NetworkObject, _ call: LuaCall) throws -> [LuaValue] {
    try call.expect(atMost: 0)
    object.network.network.partition([])
    return []
  }

  /// `lan:drop{from = a, to = b, udp = 53, nth = 3}`
  private static func drop(_ object: NetworkObject, _ call: LuaCall) throws -> [LuaValue] {
    try call.expect(atMost: 1)
    let kinds = FrameFilter.Kind.allCases.map(\.rawValue)
    let options = try call.options(1, known: ["from", "to", "nth"] + kinds)
    var filter = FrameFilter()
    for kind in FrameFilter.Kind.allCases {
      guard let option = options[kind.rawValue] else { continue }
      guard filter.kind == nil else { throw call.misuse("one of \(kinds.joined(separator: ", ")), not two") }
      filter.kind = kind
      if option.value == .boolean(true) { continue }
      guard kind == .udp || kind == .tcp else { throw option.expected("true") }
      filter.port = UInt16(try option.integer(in: 1...65535))
    }
    object.network.network.drop(
      filter,
      from: try options["from"].map { try port($0, object) },
      to: try options["to"].map { try port($0, object) },
      nth: try options["nth"].map { Int(try $0.integer(in: 1...Int64(Int32.max))) }
    )
    return []
  }

  /// `lan:undrop()`
  private static func undrop(_ object: NetworkObject, _ call: LuaCall) throws -> [LuaValue] {
    try call.expect(atMost: 0)
    object.network.network.removeDropRules()
    return []
  }

  /// `wan:forward(vm, port [, host_port])`: the port of this computer that leads to the VM.
  private static func forward(_ object: NetworkObject, _ call: LuaCall) throws -> [LuaValue] {
    try call.expect(atMost: 3)
    let argument = call.argument(1, "vm")
    let vm = try argument.object(try object.context.types.type(of: VMObject.self))
    guard let interface = vm.machine.interfaces.first(where: { $0.network === object.network }) else {
      throw argument.refused("is not on the network \(object.network.name)")
    }
    let port = UInt16(try call.argument(2, "port").integer(in: 1...65535))
    let own = try call.optional(3, "host_port").map { UInt16(try $0.integer(in: 1...65535)) }
    let chosen = try object.context.scope.context.forward(object.network, port: own, to: interface, port)
    return [.integer(Int64(chosen))]
  }

  // MARK: Observation

  /// `lan:capture(path)`
  private static func capture(_ object: NetworkObject, _ call: LuaCall) throws -> [LuaValue] {
    try call.expect(atMost: 1)
    let path = Files.resolve(try call.argument(1, "path").path(), against: object.context.configuration.root)
    do { object.network.network.startCapture(try Descriptor.open(path, O_WRONLY | O_CREAT | O_TRUNC)) } catch
    {
      throw call.misuse("\(error)")
    }
    return []
  }

  /// `lan:stop_capture()`: the number of entries in the file.
  private static func stopCapture(_ object: NetworkObject, _ call: LuaCall) throws -> [LuaValue] {
    try call.expect(atMost: 0)
    do { return [.integer(Int64(try object.network.network.stopCapture()))] } catch let error as Errno {
      throw ProviumError(.storage, "the capture of \(object.network.name) could not be written: \(error)")
    }
  }

  /// `lan:counts(a)`: what passed through the port of a machine or a station.
  private static func counts(_ object: NetworkObject, _ call: LuaCall) throws -> [LuaValue] {
    try call.expect(atMost: 1)
    let counts = object.network.network.counts(of: try port(call.argument(1, "machine"), object))
    var table = LuaTable()
    table["received"] = .integer(Int64(counts.received))
    table["received_bytes"] = .integer(Int64(counts.receivedBytes))
    table["sent"] = .integer(Int64(counts.sent))
    table["sent_bytes"] = .integer(Int64(counts.sentBytes))
    table["foreign"] = .integer(Int64(counts.foreign))
    table["dropped"] = .integer(Int64(counts.dropped))
    for cause in DropCause.allCases { table[cause.rawValue] = .integer(Int64(counts[cause])) }
    return [.table(table)]
  }

  /// The port of a machine or a station.
  static func port(_ argument: LuaArgument, _ object: NetworkObject) throws -> PortNumber {
    let types = object.context.types
    if let vm = try types.type(of: VMObject.self).instance(of: argument.value) {
      guard let found = vm.machine.interfaces.first(where: { $0.network === object.network }) else {
        throw argument.refused("is not on the network \(object.network.name)")
      }
      return found.port
    }
    if let station = try types.type(of: StationObject.self).instance(of: argument.value) {
      guard station.network === object else {
        throw argument.refused("is not on the network \(object.network.name)")
      }
      return station.port
    }
    throw argument.expected("a vm or a port of the network")
  }
}
