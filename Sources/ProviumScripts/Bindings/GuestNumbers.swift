import ProviumArchitecture
import ProviumLua
import ProviumSystem

/// `vm.sys`: the kernel's numbers on the guest's architecture.
final class GuestNumbers: Sendable {
  let architecture: Architecture

  private init(_ architecture: Architecture) { self.architecture = architecture }

  private static let all = Dictionary(
    uniqueKeysWithValues: Architecture.all.map { ($0, GuestNumbers($0)) }
  )

  static func value<Object: GuestObject>(of object: Object) throws -> LuaValue? {
    try all[object.architecture].map { try object.context.types.value($0) }
  }

  /// Makes the Lua type for one state.
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
