import ProviumSystem
internal import TOMLKit

/// One table of the file, read key by key. Every error names file, line and key.
struct TableReader {
  let path: String
  let lines: KeyLines
  let table: TOMLTable
  /// The dotted name, as in the file: `profile.minimal`; empty for the whole file.
  let name: String

  var keys: [String] { table.keys.sorted() }
  var line: Int? { lines.line(of: name) }

  func checkKeys(_ known: [String]) throws {
    for key in keys where !known.contains(key) {
      throw ConfigurationError.unknownKey(path: path, line: lineOf(key), key: full(key), known: known)
    }
  }

  func table(_ key: String) throws -> TableReader? {
    guard let value = table[key] else { return nil }
    guard let inner = value.table else { throw bad(key, given: describe(value), accepted: "a table") }
    return TableReader(path: path, lines: lines, table: inner, name: full(key))
  }

  func string(_ key: String) throws -> String? {
    guard let value = table[key] else { return nil }
    guard let text = value.string else { throw bad(key, given: describe(value), accepted: "a string") }
    return text
  }

  func boolean(_ key: String) throws -> Bool? {
    guard let value = table[key] else { return nil }
    guard let truth = value.bool else { throw bad(key, given: describe(value), accepted: "true or false") }
    return truth
  }

  func path(_ key: String, root: String) throws -> String? {
    guard let text = try string(key) else { return nil }
    guard !text.isEmpty else { throw bad(key, given: "empty", accepted: "a path") }
    return Files.resolve(text, against: root)
  }

  func strings(_ key: String) throws -> [String] {
    guard let value = table[key] else { return [] }
    let accepted = "a list of strings"
    guard let array = value.array else { throw bad(key, given: describe(value), accepted: accepted) }
    return try array.map { element in
      guard let text = element.string else { throw bad(key, given: describe(element), accepted: accepted) }
      return text
    }
  }

  func bytes(_ key: String) throws -> UInt64? {
    guard let value = table[key] else { return nil }
    if let number = value.int, number >= 0 { return UInt64(number) }
    if let size = value.string.flatMap(Quantity.bytes) { return size }
    throw bad(key, given: describe(value), accepted: "a size such as \"512M\" or \"20G\"")
  }

  func count(_ key: String) throws -> Int? {
    guard let value = table[key] else { return nil }
    if let number = value.int, (0...1024).contains(number) { return number }
    throw bad(key, given: describe(value), accepted: "a whole number from 0 to 1024")
  }

  /// Reads a number, or `true` for `usual` and `false` for 0.
  func flagOrCount(_ key: String, on usual: Int) throws -> Int? {
    guard let value = table[key] else { return nil }
    if let flag = value.bool { return flag ? usual : 0 }
    if let number = value.int, (0...1024).contains(number) { return number }
    throw bad(key, given: describe(value), accepted: "true, false, or a whole number from 0 to 1024")
  }

  func number(_ key: String, in range: ClosedRange<Double>, accepted: String) throws -> Double? {
    guard let value = table[key] else { return nil }
    if let number = value.int.map(Double.init) ?? value.double, range.contains(number) { return number }
    throw bad(key, given: describe(value), accepted: accepted)
  }

  /// Reads a duration above 0: a limit of 0 would end everything before it began.
  func duration(_ key: String) throws -> Duration? {
    guard let value = table[key] else { return nil }
    let seconds = value.int.map(Double.init) ?? value.double
    let duration =
      seconds.flatMap { Quantity.duration(seconds: $0) } ?? value.string.flatMap(Quantity.duration)
    if let duration, duration > .zero { return duration }
    throw bad(
      key,
      given: describe(value),
      accepted: "a duration above 0: seconds, or \"500ms\", \"5s\", \"2m\", \"1h\""
    )
  }

  func bad(_ key: String, given: String, accepted: String) -> ConfigurationError {
    .badValue(path: path, line: lineOf(key), key: full(key), given: given, accepted: accepted)
  }

  private func full(_ key: String) -> String { name.isEmpty ? key : "\(name).\(key)" }
  private func lineOf(_ key: String) -> Int? { lines.line(of: full(key)) }

  private func describe(_ value: any TOMLValueConvertible) -> String {
    if let text = value.string { return "\"\(text)\"" }
    if let number = value.int { return "\(number)" }
    if let number = value.double { return "\(number)" }
    if let flag = value.bool { return "\(flag)" }
    if value.array != nil { return "a list" }
    if value.table != nil { return "a table" }
    return "a \(value.type)"
  }
}

/// The lines of keys. TOMLKit has positions of syntax errors only, so the text is searched for the usual ways to write
/// tables and keys. A key in an inline table has the line of the key that holds the table.
struct KeyLines: Hashable {
  private var tables: [String: Int] = [:]
  private var keys: [String: Int] = [:]

  init(_ text: String) {
    var table = ""
    for (index, raw) in text.split(separator: "\n", omittingEmptySubsequences: false).enumerated() {
      let line = String(raw).trimmed
      if line.hasPrefix("["), let end = line.firstIndex(of: "]") {
        table = Self.plain(line[line.index(after: line.startIndex)..<end])
        if tables[table] == nil { tables[table] = index + 1 }
      } else if !line.hasPrefix("#"), let equals = line.firstIndex(of: "=") {
        let key = Self.plain(line[..<equals])
        let full = table.isEmpty ? key : "\(table).\(key)"
        if keys[full] == nil { keys[full] = index + 1 }
      }
    }
  }

  /// Returns the line of a table or a key by its dotted name, or of the table that holds it if its own is not known.
  func line(of name: String) -> Int? {
    var parts = name.split(separator: ".")[...]
    while !parts.isEmpty {
      let name = parts.joined(separator: ".")
      if let line = keys[name] ?? tables[name] { return line }
      parts.removeLast()
    }
    return nil
  }

  /// `a . "b"` → `a.b`.
  private static func plain(_ text: Substring) -> String {
    text.split(separator: ".").map { part in
      String(part).trimmed.filter { $0 != "\"" && $0 != "'" }
    }.joined(separator: ".")
  }
}
