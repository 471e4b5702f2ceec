/// A script file that a state has loaded.
package struct LoadedScript {
  /// Absolute.
  package let path: String
  /// As messages show it.
  package let displayPath: String
  package let contents: [UInt8]
}

extension LoadedScript {
  /// The contents for Lua's compiler: without a byte order mark, and with an empty first line where that
  /// begins with `#`, as Lua's own loader does it.
  var source: [UInt8] {
    var bytes = contents[...]
    if bytes.starts(with: [0xef, 0xbb, 0xbf]) { bytes = bytes.dropFirst(3) }
    if bytes.first == UInt8(ascii: "#") { bytes = bytes.drop { $0 != UInt8(ascii: "\n") } }
    return Array(bytes)
  }
}
