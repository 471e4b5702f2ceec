import ProviumLua
import ProviumNetwork
import ProviumSystem

/// `lan:port`, and the Lua type `port`.
enum StationMethods {
  /// The layers that `port:on` selects frames by; `any` selects all.
  private static let kinds = ["any", "arp", "ip", "icmp", "udp", "tcp", "dhcp", "dns"]
  private static let answers = ["arp", "ping", "echo", "sink", "stall", "dhcp", "dns"]

  static func makeType() -> LuaObjectType<StationObject> {
    LuaObjectType<StationObject>(
      name: "port",
      methodList: Misuse.translated([
        ("send", send), ("expect", expect), ("on", on), ("answer", answer), ("clear", clear),
      ]),
      memberNames: ["mac", "ip", "ip6"],
      member: { object, name in
        switch name {
        case "mac": .text(object.station.mac.description)
        case "ip": object.station.addresses.first { !$0.isV6 }.map { .text($0.description) } ?? .nil
        case "ip6": object.station.addresses.first { $0.isV6 }.map { .text($0.description) } ?? .nil
        default: nil
        }
      },
      describe: { "port \($0.station.mac) of \($0.network.network.name)" }
    )
  }

  /// `lan:port{mac = …, ip = …, answer = {"arp", "ping"}}`
  static func port(_ object: NetworkObject, _ call: LuaCall) throws -> [LuaValue] {
    try call.expect(atMost: 1)
    let options = try call.options(1, known: ["mac", "ip", "answer", "name"])
    let (station, port) = try object.network.addStation(
      name: try options["name"]?.string() ?? "port",
      mac: try options["mac"].map(NetworkOptions.mac),
      addresses: try options["ip"].map(NetworkOptions.addresses) ?? []
    )
    let result = StationObject(object, station, port)
    for kind in try options["answer"]?.list() ?? [] {
      try add(try kind.string(oneOf: answers), nil, to: result, call)
    }
    return [try object.context.types.value(result)]
  }

  /// `port:answer(kind, {…})`: replies on the switch's thread.
  private static func answer(_ object: StationObject, _ call: LuaCall) throws -> [LuaValue] {
    try call.expect(atMost: 2)
    let kind = try call.argument(1, "kind").string(oneOf: answers)
    try add(kind, call.optional(2, "names"), to: object, call)
    return []
  }

  private static func add(_ kind: String, _ names: LuaArgument?, to object: StationObject, _ call: LuaCall)
    throws
  {
    if let names, kind != "dns" { throw names.refused("is for 'dns' alone") }
    switch kind {
    case "arp": object.station.add(AddressAnswerer())
    case "ping": object.station.add(PingAnswerer())
    case "echo": object.station.add(EchoAnswerer())
    case "sink": object.station.add(TCPAnswerer(.sink))
    case "stall": object.station.add(TCPAnswerer(.stall))
    case "dhcp":
      guard let subnet = object.network.network.subnets.first(where: { !$0.isV6 }) else {
        throw call.misuse("the network has no IPv4 subnet to lease addresses of")
      }
      // The upper half, which the network itself reaches last.
      object.station.add(DHCPAnswerer(subnet: subnet, first: subnet.hostCount / 2 + 1))
    default:
      var table: [String: [IPAddress]] = [:]
      for (name, address) in try names?.entries() ?? [] {
        table[String(decoding: name, as: UTF8.self)] = try NetworkOptions.addresses(address)
      }
      object.station.add(DNSAnswerer(names: table))
    }
  }

  /// `port:send(frame)`: a table of layers, or the bytes of a frame.
  private static func send(_ object: StationObject, _ call: LuaCall) throws -> [LuaValue] {
    try call.expect(atMost: 1)
    let argument = call.argument(1, "frame")
    if case .string(let bytes) = argument.value {
      object.network.network.network.send(bytes, from: object.port)
    } else {
      let frame = try FrameTables.frame(argument, from: object.station)
      object.network.network.network.send(frame.encoded, from: object.port)
    }
    return []
  }

  /// `port:on(kind, fn)`: a function for frames that come while the script is in `port:expect`.
  private static func on(_ object: StationObject, _ call: LuaCall) throws -> [LuaValue] {
    try call.expect(atMost: 2)
    let kind = try call.argument(1, "kind").string(oneOf: kinds)
    object.handlers.append((kind, try call.function(2, "fn")))
    return []
  }

  /// `port:expect(fn, timeout)`: the first frame for which `fn` returns true.
  private static func expect(_ object: StationObject, _ call: LuaCall) throws -> [LuaValue] {
    try call.expect(atMost: 2)
    let matches = try call.function(1, "fn")
    let timeout = try call.optional(2, "timeout")?.duration() ?? .seconds(5)
    let scope = object.network.context.scope
    let limit = timeout * scope.services.timeoutMultiplier
    let deadline = Deadline.earliest(.after(limit), scope.limits.deadline)
    scope.activity("waiting for a frame on \(object.network.network.name)")
    var seen = 0
    // After the deadline, the frames that have arrived by then: a station that is flooded would always have another one.
    var rest: Int?
    while !scope.isCancelled {
      if deadline.isExpired {
        let left = rest ?? object.station.waiting
        guard left > 0 else { break }
        rest = left - 1
      }
      // In slices: the end of the run does not wake the wait.
      let slice = Deadline.earliest(.after(.milliseconds(200)), deadline)
      guard let bytes = scope.context.waiting({ object.station.next(until: slice) }) else { continue }
      seen += 1
      let (table, layers) = FrameTables.table(bytes)
      for handler in object.handlers where handler.filter == "any" || layers.contains(handler.filter) {
        _ = try call.state.call(handler.body, [table])
      }
      if try call.state.call(matches, [table]).first?.isTruthy == true { return [table] }
    }
    throw LuaAssertion(
      "no frame that was expected arrived within \(Quantity.text(limit)); \(seen) other\(seen == 1 ? "" : "s") did"
    )
  }

  /// `port:clear()`: forgets the frames that came so far.
  private static func clear(_ object: StationObject, _ call: LuaCall) throws -> [LuaValue] {
    try call.expect(atMost: 0)
    object.station.clear()
    return []
  }
}
