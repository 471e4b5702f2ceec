import ProviumSystem

/// The folders in which `dofile`, `loadfile` and `require` search, and the files that they loaded. Belongs to
/// one state.
package final class ScriptFiles {
  /// The folders in which a relative path is searched for, in order. The calling script's own folder follows
  /// them.
  package var searchFolders: [String] = [Files.currentDirectory]
  /// Turns an absolute path into the one that messages show.
  package var displayPath: (String) -> String = { path in
    let here = Files.currentDirectory + "/"
    return path.hasPrefix(here) ? String(path.dropFirst(here.count)) : path
  }
  /// Receives every file before it runs, once for each load, with the bytes that run. Fixtures record them as
  /// inputs.
  package var onLoad: (LoadedScript) -> Void = { _ in }
  /// Receives every absolute path at which a search found no file. A file that appears there later changes
  /// the result.
  package var onMiss: (String) -> Void = { _ in }
  private var paths: [String: String] = [:]

  /// The absolute path of the script that messages show as `name`.
  package func path(ofDisplayed name: String) -> String? { paths[name] }

  /// The absolute path of the file that a script shown as `caller` names `path`; nil if no folder has it.
  func find(_ path: String, calledFrom caller: String?) -> String? {
    var folders = searchFolders
    if let caller = caller.flatMap({ paths[$0] }) { folders.append(Files.parent(of: caller)) }
    return first(of: folders.map { Files.resolve(path, against: $0) })
  }

  /// Reports a path at which `require`, which searches by itself, found no file.
  func noteMiss(_ path: String) { onMiss(Files.resolve(path, against: Files.currentDirectory)) }

  /// The first of these paths that is a file.
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
    paths[script.displayPath] = path
    onLoad(script)
    return script
  }
}
