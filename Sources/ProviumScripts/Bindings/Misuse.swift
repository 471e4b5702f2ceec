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
      throw call.misuse("argument '\(error.parameter.luaName)': \(error.reason)")
    } catch let error as ProviumError where error.code == .invalidUse {
      throw call.misuse(error.message)
    }
  }
}

extension InvalidArgument.Parameter {
  /// The name of the argument in the Lua API.
  var luaName: String {
    switch self {
    case .command: "cmd"
    case .environment: "env"
    case .workingDirectory: "cwd"
    case .bufferIndex: "index"
    case .buffer, .pointerInput: "data"
    case .structure: "struct"
    case .pointers: "ptrs"
    case .pointerBuffer: "buf_idx"
    case .pointerOffset: "ptr_offset"
    case .pointerLength: "data_len"
    case .mountSource: "source"
    case .mountTarget: "target"
    case .mountType: "type"
    case .mountData: "data"
    case .path, .data, .job, .arguments, .worker, .nonce, .seed, .terminal, .interface: rawValue
    }
  }
}
