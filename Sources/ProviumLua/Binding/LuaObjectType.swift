/// A type of objects that scripts hold: `vm` with `vm:exec(…)`.
///
/// An instance is retained while a script or a value on its way into Lua holds it. One instance is one Lua
/// value, so that `==` works.
package final class LuaObjectType<Instance: AnyObject> {
  package typealias Method = (Instance, LuaCall) throws -> [LuaValue]
  /// Returns the value of `vm.NAME`, which scripts cannot assign; nil if there is no such member.
  package typealias Member = (Instance, String) throws -> LuaValue?

  let kind: LuaObjectKind
  private let methods: [(key: String, value: Method)]
  private let member: Member
  private let memberNames: [String]
  private let describe: (Instance) -> String

  /// - Parameters:
  ///   - name: the type's name in scripts and messages.
  ///   - describe: returns the text for `tostring`; by default the name.
  package convenience init(
    name: String,
    methods: KeyValuePairs<String, Method>,
    describe: ((Instance) -> String)? = nil
  ) {
    self.init(name: name, methodList: methods.map { ($0, $1) }, describe: describe)
  }

  /// Makes a type whose methods other types share, or that has members besides methods.
  /// - Parameter memberNames: the names that `member` knows, for "did you mean".
  package init(
    name: String,
    methodList: [(String, Method)],
    memberNames: [String] = [],
    member: @escaping Member = { _, _ in nil },
    describe: ((Instance) -> String)? = nil
  ) {
    kind = LuaObjectKind(name: name)
    self.memberNames = memberNames
    self.member = member
    methods = methodList.map { (key: $0.0, value: $0.1) }
    self.describe = describe ?? { _ in name }
  }

  /// Makes a type without methods.
  init(kind: LuaObjectKind, describe: @escaping (Instance) -> String) {
    self.kind = kind
    memberNames = []
    member = { _, _ in nil }
    methods = []
    self.describe = describe
  }

  package var name: String { kind.name }

  /// The names of its methods and of its members.
  package var names: [String] { methods.map(\.key) + memberNames }

  /// The instance as a Lua value. The state that it goes to must have this type (`LuaState.define`).
  package func value(_ instance: Instance) -> LuaValue { .object(LuaObject(instance: instance, kind: kind)) }

  /// The instance in a value; nil if the value is of another type, even one with the same class.
  package func instance(of value: LuaValue) -> Instance? {
    guard case .object(let object) = value, object.kind === kind else { return nil }
    return object.instance as? Instance
  }

  fileprivate func definition(in state: LuaState) -> [LuaValue] {
    var table = LuaTable()
    for (method, body) in methods {
      table[method] = .function(
        state.function("\(name):\(method)") { [self] in try invoke(method, body, $0) }
      )
    }
    let name = name
    let names = names
    let unknown = state.function(name) { [self] call in
      if let instance = call.arguments.first.flatMap(instance(of:)), let key = call.arguments.last?.text,
        let value = try member(instance, key)
      {
        return [value]
      }
      throw LuaError.misuse(
        UnknownMember.message(call.arguments.last ?? .nil, of: name, names, noun: "method")
      )
    }
    let assign = state.function(name) { call in
      let member = call.arguments.dropFirst().first ?? .nil
      throw LuaError.misuse(
        "\(name): cannot assign '\(member.text ?? member.given)': a \(name) has no fields of the script's own"
      )
    }
    let shown = state.function(name) { [self] call in
      [.text(call.arguments.first.flatMap(instance(of:)).map(describe) ?? name)]
    }
    return [.text(name), .table(table), .function(unknown), .function(assign), .function(shown)]
  }

  private func invoke(_ method: String, _ body: Method, _ call: LuaCall) throws -> [LuaValue] {
    guard let first = call.arguments.first, let instance = instance(of: first) else {
      let given = call.arguments.first?.given ?? "nothing"
      throw LuaError.misuse(
        "\(name):\(method): call it with a colon, \(name):\(method)(…), not \(name).\(method)(…): "
          + "the first argument must be the \(name) itself, got \(given)"
      )
    }
    let rest = LuaCall(state: call.state, name: call.name, arguments: Array(call.arguments.dropFirst()))
    do { return try body(instance, rest) } catch let misuse as UnnamedMisuse {
      throw call.misuse(misuse.description)
    }
  }
}

extension LuaState {
  /// Defines a type, so that values can have it. Idempotent.
  package func define<Instance>(_ type: LuaObjectType<Instance>) throws(LuaFailure) {
    guard let number = host.handles.add(type.kind) else { return }
    do { try define(number, type.definition(in: self)) } catch {
      host.handles.remove(type.kind)
      throw error
    }
  }
}

extension LuaArgument {
  /// Decodes an object of a type.
  package func object<Instance>(_ type: LuaObjectType<Instance>) throws -> Instance {
    guard let instance = type.instance(of: value) else { throw expected("a \(type.name)") }
    return instance
  }
}
