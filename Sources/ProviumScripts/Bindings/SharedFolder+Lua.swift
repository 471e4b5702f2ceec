import ProviumLua
import ProviumVM

/// The options of a shared folder: `vm:boot{share = {["/src"] = "~/linux"}}`.
extension SharedFolder {
  static let luaOptions = ["owner", "one_file_system"]

  /// - Parameter value: a folder of the host, or `{path = …, owner = …, one_file_system = …}`.
  init(path: [UInt8], _ value: LuaArgument) throws {
    let place = String(decoding: path, as: UTF8.self)
    guard case .table = value.value else {
      self.init(try value.path(), at: place)
      return
    }
    let options = try value.options(known: ["path"] + Self.luaOptions)
    guard let folder = options["path"] else {
      throw value.expected("a folder of the host, or a table with 'path'")
    }
    self.init(try folder.path(), at: place)
    try apply(options)
  }

  mutating func apply(_ options: LuaOptions) throws {
    keepsOwners = try options["owner"]?.string(oneOf: ["root", "host"]) == "host"
    isOneFileSystem = try options["one_file_system"]?.boolean() ?? false
  }
}
