import ProviumLua
import ProviumRuntime

/// The Lua type `nic`.
enum InterfaceMethods {
  static func makeType() -> LuaObjectType<InterfaceObject> {
    LuaObjectType<InterfaceObject>(
      name: "nic",
      methodList: Misuse.translated([
        ("down", { try set($0, $1, isUp: false) }), ("up", { try set($0, $1, isUp: true) }),
        ("unplug", unplug), ("plug", plug),
      ]),
      memberNames: ["mac", "ip", "ip6", "name"],
      member: { object, name in
        let interface = object.interface
        return switch name {
        case "mac": .text(interface.mac.description)
        case "ip": interface.addresses.first { !$0.isV6 }.map { .text($0.description) } ?? .nil
        case "ip6": interface.addresses.first { $0.isV6 }.map { .text($0.description) } ?? .nil
        case "name": .text(interface.guestName)
        default: nil
        }
      },
      describe: { "nic \($0.interface.guestName) of \($0.vm.machine.label)" }
    )
  }

  private static func set(_ object: InterfaceObject, _ call: LuaCall, isUp: Bool) throws -> [LuaValue] {
    try call.expect(atMost: 0)
    try object.vm.machine.setLink(of: object.interface, isUp: isUp)
    return []
  }

  /// `nic:unplug()`
  private static func unplug(_ object: InterfaceObject, _ call: LuaCall) throws -> [LuaValue] {
    try call.expect(atMost: 0)
    try object.vm.machine.unplug(object.interface)
    return []
  }

  /// `nic:plug()`
  private static func plug(_ object: InterfaceObject, _ call: LuaCall) throws -> [LuaValue] {
    try call.expect(atMost: 0)
    try object.vm.machine.plug(object.interface)
    return []
  }
}
