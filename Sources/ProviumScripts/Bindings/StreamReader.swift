import ProviumLua
import ProviumRuntime
import ProviumSystem

/// The methods that processes and consoles share: reading, and waiting for text.
struct StreamReader {
  /// For messages: `the output of 'make check'`.
  let name: String
  let context: ScriptContext
  let machine: Machine
  let buffer: StreamBuffer
  /// Empties `buffer` if the VM has gone back to another state.
  let refresh: () throws -> Void
  /// Reads into `buffer`. Blocks until something has come, the stream has ended, or the deadline.
  let fill: (Deadline) throws -> Void

  /// Bytes of what came instead of the expected text that messages show.
  private static let shown = 2000

  /// `read([timeout])`: what has come, at least one byte; nil at the end; empty when the time is over.
  func read(_ call: LuaCall) throws -> [LuaValue] {
    try call.expect(atMost: 1)
    let (deadline, _) = try limit(call, 1)
    try readUntil(deadline) { !buffer.isEmpty }
    return [buffer.isEmpty && buffer.isEnded ? .nil : .string(buffer.take())]
  }

  /// `read_until(text [, timeout])`: everything up to and including the text.
  func readUntil(_ call: LuaCall) throws -> [LuaValue] {
    try call.expect(atMost: 2)
    let text = try call.bytes(1, "text")
    guard !text.isEmpty else { throw call.argument(1, "text").refused("is empty") }
    let (deadline, length) = try limit(call, 2)
    var end: Int?
    try readUntil(deadline) {
      end = buffer.bytes.firstRange(of: text).map { $0.upperBound - buffer.bytes.startIndex }
      return end != nil
    }
    guard let end else { throw absent("the text \(ByteText.quoted(text))", length) }
    return [.string(buffer.take(end))]
  }

  /// `read_line([timeout])`: the next line without its end; the rest at the end of the stream, then nil.
  func readLine(_ call: LuaCall) throws -> [LuaValue] {
    try call.expect(atMost: 1)
    let (deadline, length) = try limit(call, 1)
    var end: Int?
    try readUntil(deadline) {
      end = buffer.bytes.firstIndex(of: 0x0a).map { $0 - buffer.bytes.startIndex }
      return end != nil
    }
    if let end {
      var line = buffer.take(end + 1).dropLast()
      if line.last == 0x0d { line = line.dropLast() }
      return [.string(Array(line))]
    }
    guard buffer.isEnded else { throw absent("a whole line", length) }
    return [buffer.isEmpty ? .nil : .string(buffer.take())]
  }

  /// `expect(pattern [, timeout])`: the captures of a Lua pattern, or the whole match if it has none. Everything up to the end
  /// of the match is used up.
  func expect(_ call: LuaCall) throws -> [LuaValue] {
    try call.expect(atMost: 2)
    let pattern = try call.bytes(1, "pattern")
    let (deadline, length) = try limit(call, 2)
    let find = try call.state.preludeFunction("stream_find")
    var found: [LuaValue] = []
    try readUntil(deadline) {
      let results = try call.state.call(find, [.string(Array(buffer.bytes)), .string(pattern)])
      if case .boolean(false)? = results.first {
        throw call.argument(1, "pattern").refused("is no Lua pattern: \(results.last?.text ?? "")")
      }
      found = results
      return results.first?.isNil == false
    }
    guard let end = found.first?.integer else {
      throw absent("the pattern \(ByteText.quoted(pattern))", length)
    }
    _ = buffer.take(Int(end))
    return Array(found.dropFirst())
  }

  /// `lines([timeout])`: an iterator for `for`.
  static func lines(_ object: LuaValue, _ call: LuaCall) throws -> [LuaValue] {
    try call.expect(atMost: 1)
    let timeout = call.optional(1, "timeout")
    _ = try timeout?.duration()
    return try call.state.call(
      call.state.preludeFunction("stream_lines"),
      [object, timeout?.value ?? .nil]
    )
  }

  /// The end of a wait, and its length without the multiplier.
  private func limit(_ call: LuaCall, _ index: Int) throws -> (Deadline, Duration) {
    let length =
      try call.optional(index, "timeout")?.duration() ?? context.configuration.settings.operationTimeout
    let limit = FairDeadline(
      length: length * machine.timeoutMultiplier,
      sample: context.scope.limits.sample
    )
    return (limit.deadline, length)
  }

  /// Reads until `isThere`, the end of the stream, or the deadline.
  private func readUntil(_ deadline: Deadline, _ isThere: () throws -> Bool) throws {
    try refresh()
    while try !isThere(), !buffer.isEnded {
      let before = buffer.count
      try fill(deadline)
      if buffer.count == before, deadline.isExpired { return }
    }
  }

  private func absent(_ what: String, _ length: Duration) -> LuaAssertion {
    let bytes = buffer.bytes
    let how = buffer.isEnded ? "before the end of \(name)" : "in \(name) within \(Quantity.text(length))"
    let came =
      bytes.isEmpty
      ? "nothing came"
      : (bytes.count > Self.shown
        ? "the last \(Self.shown) of \(bytes.count) bytes that came: " : "what came: ")
        + ByteText.quoted(Array(bytes.suffix(Self.shown)))
    return LuaAssertion("\(what) did not come \(how); \(came)")
  }

  static let prelude = #"""
    local find, select, pcall = string.find, select, pcall
    local function result(text, ok, first, last, ...)
      if not ok then return false, first end
      if not first then return nil end
      if select("#", ...) == 0 then return last, text:sub(first, last) end
      return last, ...
    end
    return {
      -- Returns the end of the first match and its captures; nil without a match; false and a message for a bad pattern.
      stream_find = function(text, pattern) return result(text, pcall(find, text, pattern)) end,
      stream_lines = function(object, timeout)
        return function() return object:read_line(timeout) end
      end,
    }
    """#
}
