import ProviumRunner
import ProviumSystem
import Testing

/// The names that Swift Testing uses for a test file and its lines.
extension NativeFile {
  /// The module and the name of the type that represents the file. `LuaTests/net/dhcp` and `lua` are read as
  /// `LuaTests/net/dhcp.lua`. A suite's file is `SuiteTests/SUITE/NAME.KIND`. nil if no type can have the name.
  var suiteNames: (module: String, name: String)? {
    guard !stem.isEmpty, !stem.contains("`") else { return nil }
    return ("\(family)/\(stem)", kind)
  }

  func location(line: Int, column: Int = 1) -> SourceLocation {
    SourceLocation(
      fileID: "\(family)/\(stem).\(kind)",
      filePath: HarmlessText.clean(file.path),
      line: max(1, line),
      column: max(1, column)
    )
  }
}
