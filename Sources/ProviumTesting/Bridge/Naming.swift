import ProviumCases
import Testing

/// How Swift Testing names a Lua file and its lines.
extension CataloguedFile {
  /// Of the type that stands for the file: `LuaTests/net/dhcp` and `lua` read `LuaTests/net/dhcp.lua`.
  var suiteNames: (module: String, name: String)? {
    guard !stem.isEmpty, !stem.contains("`") else { return nil }
    return ("LuaTests/\(stem)", "lua")
  }

  func location(line: Int, column: Int = 1) -> SourceLocation {
    SourceLocation(
      fileID: "LuaTests/\(stem).lua",
      filePath: file.path,
      line: max(1, line),
      column: max(1, column)
    )
  }
}
