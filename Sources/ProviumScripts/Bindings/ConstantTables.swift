import ProviumArchitecture
import ProviumAgentClient
import ProviumLua
import ProviumRuntime
import ProviumSystem

/// The tables of constants: `provium.errno` and `provium.sys`.
enum ConstantTables {
  /// Adds the tables to the global table `provium`.
  static func install(in state: LuaState, _ machines: MachineSet) throws {
    try state.runPrelude(
      source,
      natives: [
        "errno": { _ in [constants(ErrnoName.all)] },
        "sys": { _ in [constants(SystemConstants.all(hostArchitecture))] },
        "differing": { _ in [.table(LuaTable(pairs: differing.map { .init(key: .text($0), value: true) }))] },
        "check": { [unowned machines] in try check($0, machines) },
        "unknown": { try refuse($0) },
        "fixed": { call in
          let key = call.arguments.dropFirst().first ?? .nil
          throw LuaError.misuse(
            "\(try call.string(1, "table")).\(key.text ?? key.given) cannot be assigned: it is the kernel's number"
          )
        },
      ]
    )
  }

  /// The architecture of constants that are not taken from a VM.
  private static let hostArchitecture = (try? Architecture.host) ?? .x86_64

  /// A name that does not exist, such as `provium.sys.O_RDOLNY`, is an error instead of nil. A table is made when a
  /// script first uses it.
  private static let source = #"""
    local native = ...
    local function constants(name, load)
      local members, differing
      local function all()
        if not members then members, differing = load() end
        return members
      end
      return setmetatable({}, {
        __index = function(_, key)
          local value = all()[key]
          if value == nil then native.unknown(name, key) end
          if differing[key] then native.check(key) end
          return value
        end,
        __newindex = function(_, key) native.fixed(name, key) end,
        __pairs = function()
          local key
          return function()
            local value
            key, value = next(all(), key)
            return key, value
          end
        end,
        __metatable = name,
      })
    end
    rawset(provium, "errno", constants("provium.errno", function() return native.errno(), {} end))
    rawset(provium, "sys", constants("provium.sys", function() return native.sys(), native.differing() end))
    """#

  private static func constants(_ values: [String: Int64]) -> LuaValue {
    .table(LuaTable(pairs: values.map { LuaTable.Pair(key: .text($0.key), value: .integer($0.value)) }))
  }

  private static func refuse(_ call: LuaCall) throws -> [LuaValue] {
    let table = try call.string(1, "table")
    let key = call.argument(2, "key").value
    let names =
      table == "provium.errno"
      ? ErrnoName.all.keys : SystemConstants.all(hostArchitecture).keys
    let hint = NearestName.hint(for: key.text ?? "", among: Array(names))
    throw LuaError.misuse("\(table) has no '\(key.text ?? key.given)'\(hint)")
  }

  // MARK: Architectures

  /// The names that have another number, or none, on another architecture.
  private static let differing: [String] = SystemConstants.all(hostArchitecture).compactMap { name, value in
    Architecture.all.contains { SystemConstants.value(name, $0) != value } ? name : nil
  }

  /// Refuses a name of `provium.sys`, which has the host's numbers, whose number is wrong for a VM of the
  /// file.
  private static func check(_ call: LuaCall, _ machines: MachineSet) throws -> [LuaValue] {
    let name = try call.string(1, "name")
    let here = SystemConstants.value(name, hostArchitecture)
    let foreign = machines.all.first { SystemConstants.value(name, $0.architecture) != here }
    guard let foreign else { return [] }
    throw LuaError.misuse(
      "provium.sys.\(name) is the number of \(hostArchitecture), not that of \(foreign.label), which is "
        + "\(foreign.architecture): use that VM's number, vm.sys.\(name)"
    )
  }
}
