import ProviumAgentClient
import ProviumLua
import ProviumSystem

/// The options of calls that run a command.
enum CommandArguments {
  /// Decodes the second argument: `timeout`, `env`, `cwd`, `stdin`.
  static func options(_ call: LuaCall) throws -> CommandOptions {
    let options = try call.options(2, known: ["timeout", "env", "cwd", "stdin"])
    var exec = try options.commandOptions()
    exec.timeout = try options["timeout"]?.duration()
    exec.standardInput = try options["stdin"]?.bytes()
    return exec
  }
}

extension LuaOptions {
  /// Decodes the options `env` and `cwd`.
  func commandOptions() throws -> CommandOptions {
    var options = CommandOptions()
    options.workingDirectory = try self["cwd"].map { ByteString(try $0.bytes()) }
    for (name, value) in try self["env"]?.entries() ?? [] {
      guard !name.isEmpty, !name.contains(UInt8(ascii: "=")) else {
        throw value.expected("the value of a name without '='")
      }
      options.variables[ByteString(name)] = ByteString(try value.bytes())
    }
    return options
  }
}
