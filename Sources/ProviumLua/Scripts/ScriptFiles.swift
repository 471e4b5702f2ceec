import ProviumSystem

/// A script file that a state has loaded.
package struct LoadedScript {
  /// Absolute.
  package let path: String
  /// As messages show it.
  package let displayPath: String
  package let contents: [UInt8]
}

/// Where `dofile`, `loadfile` and `require` look, and what they found.
package final class ScriptFiles {
  /// Folders in which a relative path is looked for, in order; the calling script's own comes last by itself.
  package var searchFolders: [String] = [Files.currentDirectory]
  /// How messages show an absolute path.
  package var displayPath: (String) -> String = { Files.display($0) }
  /// Told of every file before it runs, once per load: for fixture keys, with the very bytes that run.
  package var onLoad: (LoadedScript) -> Void = { _ in }
  /// Told of every absolute path at which a script was looked for in vain, before it was found or not.
  package var onMiss: (String) -> Void = { _ in }
  private var paths: [ExactString: String] = [:]

  /// The absolute path of a script by the name that messages show.
  package func path(ofDisplayed name: String) -> String? { paths[ExactString(name)] }

  /// The absolute path that `path` means to a script shown as `caller`; nil where no such file is.
  func find(_ path: String, calledFrom caller: String?) -> String? {
    var folders = searchFolders
    if let caller = caller.flatMap({ paths[ExactString($0)] }) { folders.append(Files.parent(of: caller)) }
    return first(of: folders.map { Files.resolve(path, against: $0) })
  }

  /// `require` looks by itself.
  func noteMiss(_ path: String) { onMiss(Files.resolve(path, against: Files.currentDirectory)) }

  /// The first of these paths at which a file is.
  private func first(of candidates: [String]) -> String? {
    for candidate in candidates {
      if Files.exists(candidate), !Files.isDirectory(candidate) { return candidate }
      onMiss(candidate)
    }
    return nil
  }

  /// - Throws: `SystemError`; `UnreadableScript` for a pipe or a device, which could block for ever.
  func read(_ path: String) throws -> LoadedScript {
    if let kind = FileKind(of: path), kind != .regular, kind != .directory {
      throw UnreadableScript(path: path, kind: kind)
    }
    let script = LoadedScript(path: path, displayPath: displayPath(path), contents: try Files.read(path))
    paths[ExactString(script.displayPath)] = path
    onLoad(script)
    return script
  }
}

/// A script that is not a regular file.
struct UnreadableScript: Error, CustomStringConvertible {
  let path: String
  let kind: FileKind

  var description: String { "cannot load \(PathText.visible(path)): it is \(kind)" }
}

extension LoadedScript {
  /// Without a byte order mark, and with an empty line for a first line that begins with `#`, as Lua's own loader has it.
  var source: [UInt8] {
    var bytes = contents[...]
    if bytes.starts(with: [0xef, 0xbb, 0xbf]) { bytes = bytes.dropFirst(3) }
    if bytes.first == UInt8(ascii: "#") { bytes = bytes.drop { $0 != UInt8(ascii: "\n") } }
    return Array(bytes)
  }
}

extension LuaState {
  /// Reads and compiles a script file, as `dofile` would; the file is recorded. `path`: absolute.
  package func loadFile(_ path: String) throws -> LuaFunction {
    let script = try scripts.read(path)
    return try load(script.source, chunkName: script.displayPath)
  }

  /// The folders whose modules `require` finds, first ones first: `NAME.lua` and `NAME/init.lua`.
  package func setPackagePath(_ folders: [String]) throws(LuaFailure) {
    let path = folders.flatMap { ["\($0)/?.lua", "\($0)/?/init.lua"] }.joined(separator: ";")
    _ = try call(preludeFunction("set_package_path"), [.string(PathText.encode(path))])
  }

  /// `load_script(path)` of the prelude.
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
