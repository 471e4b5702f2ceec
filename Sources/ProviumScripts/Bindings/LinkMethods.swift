import ProviumLua
import ProviumNetwork
import ProviumSystem

/// The Lua type `link`.
enum LinkMethods {
  static func makeType() -> LuaObjectType<LinkObject> {
    LuaObjectType<LinkObject>(
      name: "link",
      methodList: Misuse.translated([("set", set), ("clear", clear)])
    )
  }

  private static func set(_ object: LinkObject, _ call: LuaCall) throws -> [LuaValue] {
    try call.expect(atMost: 1)
    apply(try Impairment(call), to: object)
    return []
  }

  /// The link does again what all links of the network do.
  private static func clear(_ object: LinkObject, _ call: LuaCall) throws -> [LuaValue] {
    try call.expect(atMost: 0)
    apply(nil, to: object)
    return []
  }

  private static func apply(_ impairment: Impairment?, to object: LinkObject) {
    for direction in object.directions {
      object.network.network.network.set(impairment, from: direction.from, to: direction.to)
    }
  }
}

extension Impairment {
  private static let names = [
    "loss", "delay", "jitter", "burst", "duplicate", "reorder", "corrupt", "rate", "queue", "mtu", "cut",
    "seed",
  ]

  /// The table of `link:set` and `network:set`.
  init(_ call: LuaCall) throws {
    let options = try call.options(1, "impairments", known: Self.names)
    self.init()
    if let loss = options["loss"] { self.loss = try loss.number() }
    if let delay = options["delay"] { self.delay = try delay.duration() }
    if let jitter = options["jitter"] { self.jitter = try jitter.duration() }
    if let burst = options["burst"] { self.burst = try BurstLoss(burst) }
    if let duplicate = options["duplicate"] { self.duplicate = try duplicate.number() }
    if let reorder = options["reorder"] { self.reorder = try reorder.number() }
    if let corrupt = options["corrupt"] { self.corrupt = try corrupt.number() }
    if let rate = options["rate"] { self.rate = try Self.rate(rate) }
    if let queue = options["queue"] { self.queue = Int(clamping: try queue.integer()) }
    if let mtu = options["mtu"] { self.mtu = Int(clamping: try mtu.integer()) }
    if let cut = options["cut"] { isCut = try cut.boolean() }
    if let seed = options["seed"] { self.seed = UInt64(bitPattern: try seed.integer()) }
    if let problem { throw call.misuse(problem) }
  }

  /// Bits in a second as a number, or a string with a unit: `"1Mbit"`.
  private static func rate(_ argument: LuaArgument) throws -> UInt64 {
    if let number = argument.value.integer, number > 0 { return UInt64(number) }
    let text = argument.value.text ?? ""
    for (unit, factor) in [("Gbit", 1e9), ("Mbit", 1e6), ("kbit", 1e3), ("bit", 1)] where text.hasSuffix(unit)
    {
      if let number = Double(text.dropLast(unit.count)), number > 0, number * factor <= 1e12 {
        return UInt64(number * factor)
      }
    }
    throw argument.expected("bits in a second (a number or e.g. \"1Mbit\")")
  }
}

extension BurstLoss {
  /// `{enter = …, leave = …, loss = …, good_loss = …}`
  fileprivate init(_ argument: LuaArgument) throws {
    let options = try argument.options(known: ["enter", "leave", "loss", "good_loss"])
    guard let enter = options["enter"], let leave = options["leave"] else {
      throw argument.expected("a table with 'enter' and 'leave'")
    }
    self.init(
      enter: try enter.number(),
      leave: try leave.number(),
      loss: try options["loss"]?.number() ?? 1,
      goodLoss: try options["good_loss"]?.number() ?? 0
    )
  }
}
