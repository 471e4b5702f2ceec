import ProviumSystem

/// One argument or option, to be decoded into a Swift value. Every decoder throws a `LuaError.misuse` that
/// names the function, the argument, the accepted values and the given one.
package struct LuaArgument {
  let callee: String
  /// The argument's name in messages: `argument 'cmd'`, `option 'timeout'`.
  let label: String
  package let value: LuaValue
  let isGiven: Bool

  /// Makes the error `vm:exec: argument 'cmd' must be ACCEPTED, got table`.
  package func expected(_ accepted: String) -> LuaError {
    .misuse("\(callee): \(label) must be \(accepted), got \(isGiven ? value.given : "nothing")")
  }

  /// Makes the error `vm:boot: option 'files'['/'] REASON`.
  package func refused(_ reason: String) -> LuaError { .misuse("\(callee): \(label) \(reason)") }

  /// Decodes a string, or a number as Lua writes it.
  package func bytes() throws -> [UInt8] {
    guard let bytes = value.coercedBytes else { throw expected("a string") }
    return bytes
  }

  /// Decodes a string that becomes memory of the guest. Refuses a number, which `bytes` would take as its
  /// digits.
  package func memory() throws -> [UInt8] {
    guard case .string(let bytes) = value else { throw expected("a string of bytes") }
    return bytes
  }

  /// Decodes a name or a path: UTF-8 without NULs.
  package func string() throws -> String {
    let bytes = try bytes()
    guard let text = String(validating: bytes, as: UTF8.self), !bytes.contains(0) else {
      throw expected("text (UTF-8 without NUL bytes)")
    }
    return text
  }

  /// Decodes the path of a file on the host: any bytes but NUL, in the form of `PathText`.
  package func path() throws -> String {
    let bytes = try bytes()
    guard !bytes.contains(0) else { throw expected("a path without NUL bytes") }
    return PathText.string(of: bytes)
  }

  /// Decodes one of the strings `accepted`. The error for another string names the nearest of them.
  package func string(oneOf accepted: [String]) throws -> String {
    let text = try string()
    guard accepted.contains(text) else {
      let list = accepted.map { "\"\($0)\"" }.joined(separator: ", ")
      let hint = NearestName.hint(for: text, among: accepted)
      throw LuaError.misuse("\(expected("one of \(list)"))\(hint)")
    }
    return text
  }

  /// Decodes an integer, or a float with an integral value.
  package func integer() throws -> Int64 {
    guard let integer = value.integer else { throw expected("an integer") }
    return integer
  }

  package func integer(in range: ClosedRange<Int64>) throws -> Int64 {
    guard let integer = value.integer, range.contains(integer) else {
      throw expected("an integer from \(range.lowerBound) to \(range.upperBound)")
    }
    return integer
  }

  package func number() throws -> Double {
    switch value {
    case .number(let number): return number
    case .integer(let integer): return Double(integer)
    default: throw expected("a number")
    }
  }

  package func boolean() throws -> Bool {
    guard case .boolean(let flag) = value else { throw expected("true or false") }
    return flag
  }

  package func function() throws -> LuaFunction {
    guard case .function(let function) = value else { throw expected("a function") }
    return function
  }

  package func table() throws -> LuaTable {
    guard case .table(let table) = value else { throw expected("a table") }
    return table
  }

  /// Decodes a table without named keys into its elements, each to be decoded.
  package func list() throws -> [LuaArgument] {
    guard case .table(let table) = value, table.pairs.isEmpty else { throw expected("a list") }
    return table.array.enumerated().map { index, element in
      LuaArgument(callee: callee, label: "\(label)[\(index + 1)]", value: element, isGiven: true)
    }
  }

  /// Decodes a table with string keys into its entries, sorted by name, each to be decoded. Names are bytes,
  /// as in Lua.
  package func entries() throws -> [(name: [UInt8], argument: LuaArgument)] {
    guard case .table(let table) = value, table.array.isEmpty else {
      throw expected("a table with names as keys")
    }
    return try table.pairs.map { pair in
      guard case .string(let name) = pair.key else { throw expected("a table with names as keys") }
      let text = String(decoding: name, as: UTF8.self)
      let entry = LuaArgument(callee: callee, label: "\(label)['\(text)']", value: pair.value, isGiven: true)
      return (name, entry)
    }.sorted { $0.name.lexicographicallyPrecedes($1.name) }
  }

  /// Decodes seconds as a number, or a string with a unit: `"500ms"`, `"5s"`, `"2m"`, `"1h"`.
  package func duration() throws -> Duration {
    let duration: Duration? =
      switch value {
      case .integer(let seconds): Quantity.duration(seconds: Double(seconds))
      case .number(let seconds): Quantity.duration(seconds: seconds)
      case .string: value.text.flatMap(Quantity.duration)
      default: nil
      }
    guard let duration else { throw expected("a duration (a number of seconds or e.g. \"500ms\")") }
    return duration
  }

  /// Decodes bytes as a number, or a string with a unit: `"512M"`, `"2G"`.
  package func size() throws -> UInt64 {
    let size: UInt64? =
      if let bytes = value.integer { UInt64(exactly: bytes) } else { value.text.flatMap(Quantity.bytes) }
    guard let size else { throw expected("a size (a number of bytes or e.g. \"512M\")") }
    return size
  }
}
