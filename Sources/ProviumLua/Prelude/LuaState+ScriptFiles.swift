import ProviumSystem

extension LuaState {
  /// Reads, records and compiles the script file at an absolute path.
  package func loadFile(_ path: String) throws -> LuaFunction {
    let script = try scripts.read(path)
    return try load(script.source, chunkName: script.displayPath)
  }

  /// Sets the folders in which `require` searches, in order: `NAME.lua` and `NAME/init.lua` in each.
  package func setPackagePath(_ folders: [String]) throws(LuaFailure) {
    let path = folders.flatMap { ["\($0)/?.lua", "\($0)/?/init.lua"] }.joined(separator: ";")
    _ = try call(preludeFunction("set_package_path"), [.string(PathText.bytes(of: path))])
  }

  /// Implements the prelude's `load_script(path, purpose)`.
  func loadScript(_ call: LuaCall) throws -> [LuaValue] {
    let purpose = try call.string(2, "purpose")
    let path = try LuaCall(state: self, name: purpose, arguments: call.arguments).argument(1, "path").path()
    guard let found = scripts.find(path, calledFrom: location?.file) else {
      let folders = scripts.searchFolders + ["the calling script's folder"]
      throw LuaError.misuse("\(purpose): no file '\(path)' in \(folders.joined(separator: ", "))")
    }
    return [.function(try loadFile(found))]
  }
}
