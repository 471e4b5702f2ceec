import ProviumLua
import ProviumRuntime
import ProviumSystem

/// A lab as a script holds it.
final class LabObject {
  let name: String
  let machines: [(name: String, vm: VMObject)]
  let networks: [NetworkObject]

  init(_ lab: Lab, _ context: ScriptContext) {
    name = lab.name
    machines = lab.machines.map { ($0.name, VMObject($0.machine, context)) }
    networks = lab.networks.map { NetworkObject($0, context) }
  }
}

/// `provium.lab`, and the Lua type `lab`: VMs and networks that were saved together.
enum LabMethods {
  static func makeType(_ context: ScriptContext) -> LuaObjectType<LabObject> {
    LuaObjectType<LabObject>(
      name: "lab",
      methodList: [],
      member: { [unowned context] lab, name in try member(name, of: lab, context) },
      describe: { "lab \($0.name)" }
    )
  }

  /// `provium.lab(name)`
  static func lab(_ call: LuaCall, _ context: ScriptContext) throws -> [LuaValue] {
    try call.expect(atMost: 1)
    let name = try call.string(1, "name")
    do {
      let lab = try Misuse.translating(call) { try context.fixtures.resumeLab(name, in: context.scope) }
      return [try context.types.value(LabObject(lab, context))]
    } catch let error as FixtureError {
      throw error.code.failureKind == .error ? call.misuse("\(error)") : error
    }
  }

  /// `lab.networks`, or a machine by its host name.
  private static func member(_ name: String, of lab: LabObject, _ context: ScriptContext) throws -> LuaValue?
  {
    if name == "networks" {
      var table = LuaTable()
      for network in lab.networks { table[network.network.name] = try context.types.value(network) }
      return .table(table)
    }
    if let found = lab.machines.first(where: { $0.name == name }) { return try context.types.value(found.vm) }
    let names = lab.machines.map(\.name)
    throw LuaError.misuse(
      "the lab \(lab.name) has no machine '\(name)'\(NearestName.hint(for: name, among: names)); it has: "
        + (names + ["networks"]).joined(separator: ", ")
    )
  }
}
