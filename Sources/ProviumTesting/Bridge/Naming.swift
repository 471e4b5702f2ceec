import ProviumCases
import Testing

/// How Swift Testing names a Lua file and its lines.
extension CataloguedFile {
  /// Of the type that stands for the file: `LuaTests/net/dhcp` and `lua` read `LuaTests/net/dhcp.lua`.
  var suiteNames: (module: String, name: String)? {
    let stem = XMLText.name(String(file.name.dropLast(4)))
    guard !stem.isEmpty, !stem.contains("`") else { return nil }
    return ("LuaTests/" + stem.map { $0 == "." ? "_" : String($0) }.joined(), "lua")
  }

  func location(line: Int, column: Int = 1) -> SourceLocation {
    SourceLocation(
      fileID: "LuaTests/\(name)",
      filePath: file.path,
      line: max(1, line),
      column: max(1, column)
    )
  }
}
