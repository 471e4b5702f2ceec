import ProviumLua
import ProviumRuntime
import ProviumSystem

/// Functions of the script that look at a failure: `on_failure(fn)`.
extension SubTestRunner {
  /// The longest time of one function, before the timeout multiplier.
  private static let limit = Duration.seconds(2)

  /// `on_failure(fn)`: calls `fn(t)` after each sub-test that fails from now on, while its VMs are as the failure left them.
  func addFailureHandler(_ call: LuaCall) throws -> [LuaValue] {
    try call.expect(atMost: 1)
    guard !scope.isBuildingFixture else {
      throw call.misuse("a fixture's script has no sub-tests, so on_failure has nothing to wait for")
    }
    failureHandlers.append(try call.function(1, "fn"))
    return []
  }

  /// Calls the functions for the sub-test that has just failed. What they print is its output; their errors are, too, and
  /// change nothing else.
  func runFailureHandlers(_ name: String, in state: LuaState) {
    let handlers = failureHandlers
    // A failure in a function has no functions of its own.
    failureHandlers = []
    defer { failureHandlers = handlers }
    for handler in handlers where !scope.isCancelled {
      do {
        try scope.limited("on_failure's", to: Self.limit) { deadline in
          let test = LuaValue.table(LuaTable(pairs: [.init(key: "name", value: .text(name))]))
          let caught = try state.signalCaught { _ = try state.call(handler, [test], deadline: deadline) }
          if let caught { throw caught }
        }
      } catch {
        let reason = (error as? LuaFailure)?.message ?? "\(error)"
        print(Array("on_failure: \(reason)\n".utf8))
      }
    }
  }
}
