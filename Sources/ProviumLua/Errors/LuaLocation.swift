internal import CLuaBridge

/// A place in a script: the path as messages show it, and a line from 1.
package struct LuaLocation: Sendable, Hashable, CustomStringConvertible {
  package let file: String
  package let line: Int

  package init(file: String, line: Int) {
    self.file = file
    self.line = line
  }

  init?(runningIn L: OpaquePointer) {
    var file: UnsafePointer<CChar>?
    var length = 0
    var line: Int32 = 0
    guard clb_where(L, &file, &length, &line) else { return nil }
    self.file = String(decoding: UnsafeRawBufferPointer(start: file, count: length), as: UTF8.self)
    self.line = Int(line)
  }

  package var description: String { "\(file):\(line)" }
}
