import ProviumRunner
import Testing

/// The names that Swift Testing uses for a test file and its lines.
extension NativeFile {
  /// The module and the name of the type that represents the file. `LuaTests/net/dhcp` and `lua` are read as
  /// `LuaTests/net/dhcp.lua`. nil if no type can have the name.
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
