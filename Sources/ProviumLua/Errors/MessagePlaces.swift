/// Finds the places that Lua put in front of messages: `tests/a.lua:3: message`.
struct MessagePlaces {
  /// The files whose lines may be at the beginning of a message, as messages show them.
  var chunkNames: Set<String> = []

  /// Splits `tests/a.lua:3: message` into place and message, if the place is in a script of this state. A
  /// script that raises an error again, and `coroutine.wrap`, put another place in front: the last place is
  /// where the error began.
  func split(_ text: String) -> (location: LuaLocation?, message: String) {
    var (location, message): (LuaLocation?, String) = (nil, text)
    while let (place, rest) = splitOnce(message) { (location, message) = (place, rest) }
    return (location, message)
  }

  /// Lua shortens long paths; the place has the whole one.
  private func splitOnce(_ text: String) -> (LuaLocation, String)? {
    for name in chunkNames {
      for shown in [name, Self.shortened(name)] where text.hasPrefix(shown + ":") {
        let rest = text.dropFirst(shown.count + 1)
        let digits = rest.prefix { $0.isASCII && $0.isNumber }
        if let line = Int(digits), rest.dropFirst(digits.count).hasPrefix(": ") {
          return (LuaLocation(file: name, line: line), String(rest.dropFirst(digits.count + 2)))
        }
      }
    }
    return nil
  }

  /// The name as Lua shows it: of more than 59 bytes (`LUA_IDSIZE` less the NUL) the last 56 after `...`.
  static func shortened(_ name: String) -> String {
    name.utf8.count <= 59 ? name : "..." + String(decoding: name.utf8.suffix(56), as: UTF8.self)
  }
}
