import ProviumArchitecture
import ProviumAgentClient
import ProviumLua
import ProviumSystem

/// The tables of constants: `provium.errno` and `provium.sys`.
enum ConstantTables {
  /// Behind the global table `provium`.
  static func install(in state: LuaState, session: FileSession) throws {
    try state.runPrelude(
      source,
      natives: [
        "errno": { _ in [constants(ErrnoName.all)] },
        "sys": { _ in [constants(SystemConstants.all(hostArchitecture))] },
        "differing": { _ in [.table(LuaTable(pairs: differing.map { .init(key: .text($0), value: true) }))] },
        "check": { [unowned session] in try check($0, session) },
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

  /// Where no machine says otherwise, constants are the host's.
  private static let hostArchitecture = (try? Architecture.host) ?? .x86_64

  /// `provium.sys.O_RDOLNY` is a mistake to be told, not a nil to be added.
  private static let source = #"""
    local native = ...
    local function constants(name, members, differing)
      return setmetatable({}, {
        __index = function(_, key)
          local value = members[key]
          if value == nil then native.unknown(name, key) end
          if differing[key] then native.check(key) end
          return value
        end,
        __newindex = function(_, key) native.fixed(name, key) end,
        __pairs = function()
          local key
          return function()
            local value
            key, value = next(members, key)
            return key, value
          end
        end,
        __metatable = name,
      })
    end
    rawset(provium, "errno", constants("provium.errno", native.errno(), {}))
    rawset(provium, "sys", constants("provium.sys", native.sys(), native.differing()))
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

  /// The host's names whose number is another one, or none, elsewhere.
  private static let differing: [String] = SystemConstants.all(hostArchitecture).compactMap { name, value in
    Architecture.all.contains { SystemConstants.value(name, $0) != value } ? name : nil
  }

  /// `provium.sys` has the host's numbers: one that is wrong for a machine of the file must not be taken unawares.
  private static func check(_ call: LuaCall, _ session: FileSession) throws -> [LuaValue] {
    let name = try call.string(1, "name")
    let here = SystemConstants.value(name, hostArchitecture)
    let foreign = session.machines.all.first { SystemConstants.value(name, $0.architecture) != here }
    guard let foreign else { return [] }
    throw LuaError.misuse(
      "provium.sys.\(name) is the number of \(hostArchitecture), not that of \(foreign.label), which is "
        + "\(foreign.architecture): take it from the machine that is meant, as vm.sys.\(name)"
    )
  }
}

/// `vm.sys`: the numbers of that guest's architecture.
final class GuestNumbers: Sendable {
  let architecture: Architecture

  private init(_ architecture: Architecture) { self.architecture = architecture }

  private static let all = Dictionary(
    uniqueKeysWithValues: Architecture.all.map { ($0, GuestNumbers($0)) }
  )

  static func value<Holder: GuestHolder>(of holder: Holder) -> LuaValue? {
    all[holder.architecture].map(holder.session.numbersType.value)
  }

  /// The Lua type, for one state.
  static func makeType() -> LuaObjectType<GuestNumbers> {
    LuaObjectType<GuestNumbers>(
      name: "vm.sys",
      methodList: [],
      member: { numbers, name in
        if let number = SystemConstants.value(name, numbers.architecture) { return .integer(number) }
        let names = Array(SystemConstants.all(numbers.architecture).keys)
        throw LuaError.misuse(
          "vm.sys (\(numbers.architecture)) has no '\(name)'\(NearestName.hint(for: name, among: names))"
        )
      }
    )
  }
}
