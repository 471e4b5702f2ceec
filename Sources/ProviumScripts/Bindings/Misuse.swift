import ProviumAgentClient
import ProviumLua
import ProviumRuntime

/// Translates the engine's errors about a wrong use into errors that name the script's call.
enum Misuse {
  static func translated<Object: AnyObject>(_ methods: [(String, LuaObjectType<Object>.Method)]) -> [(
    String, LuaObjectType<Object>.Method
  )] {
    methods.map { name, body in
      (name, { object, call in try translating(call) { try body(object, call) } })
    }
  }

  /// Runs the body of one call.
  static func translating<Result>(_ call: LuaCall, _ body: () throws -> Result) throws -> Result {
    do { return try body() } catch let error as InvalidArgument {
      throw call.misuse("argument '\(error.name)': \(error.reason)")
    } catch let error as ProviumError where error.code == .invalidUse {
      throw call.misuse(error.message)
    }
  }
}
