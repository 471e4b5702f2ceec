/// One call that a script makes of one of our functions.
package struct LuaCall {
  package let state: LuaState
  /// The function's name in messages: `vm:exec`, `provium.create`.
  package let name: String
  /// The arguments; of a method without the object itself.
  package let arguments: [LuaValue]

  init(state: LuaState, name: String, arguments: [LuaValue]) {
    self.state = state
    self.name = name
    self.arguments = arguments
  }

  /// The line of the script that made the call.
  package var location: LuaLocation? { state.location }

  /// The `index`th argument, from 1, to be decoded. An absent one cannot be decoded.
  package func argument(_ index: Int, _ label: String) -> LuaArgument {
    let isGiven = index <= arguments.count
    return LuaArgument(
      callee: name,
      label: "argument '\(label)'",
      value: isGiven ? arguments[index - 1] : .nil,
      isGiven: isGiven
    )
  }

  /// The `index`th argument, from 1; nil if it is absent or nil.
  package func optional(_ index: Int, _ label: String) -> LuaArgument? {
    let argument = argument(index, label)
    return argument.value.isNil ? nil : argument
  }

  /// The table of named options at `index`, empty if absent. Unknown keys are errors.
  package func options(_ index: Int, _ label: String = "opts", known: [String]) throws -> LuaOptions {
    guard let argument = optional(index, label) else { return LuaOptions(callee: name, table: LuaTable()) }
    return try argument.options(known: known, owner: nil)
  }

  /// Throws if there are more than `count` arguments.
  package func expect(atMost count: Int) throws {
    guard arguments.count > count else { return }
    throw misuse("takes at most \(count) argument\(count == 1 ? "" : "s"), got \(arguments.count)")
  }

  /// Makes the error `vm:exec: MESSAGE`.
  package func misuse(_ message: String) -> LuaError { .misuse("\(name): \(message)") }
}

extension LuaCall {
  package func string(_ index: Int, _ label: String) throws -> String { try argument(index, label).string() }
  package func bytes(_ index: Int, _ label: String) throws -> [UInt8] { try argument(index, label).bytes() }
  package func memory(_ index: Int, _ label: String) throws -> [UInt8] { try argument(index, label).memory() }
  package func integer(_ index: Int, _ label: String) throws -> Int64 { try argument(index, label).integer() }
  package func function(_ index: Int, _ label: String) throws -> LuaFunction {
    try argument(index, label).function()
  }
  package func optionalString(_ index: Int, _ label: String) throws -> String? {
    try optional(index, label)?.string()
  }
}
