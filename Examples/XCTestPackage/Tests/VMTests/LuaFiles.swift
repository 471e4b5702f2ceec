@_exported import ProviumXCTest

/// The cases are those of the Lua files.
final class LuaFiles: LuaXCTestCase {
  func testLua() {}
}
