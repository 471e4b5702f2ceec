#if canImport(Glibc)
  import Glibc
#else
  import Musl
#endif

/// One line of KTAP or TAP, classified without any context.
///
/// Formats: KTAP version 1 (Documentation/dev-tools/ktap.rst of the kernel), TAP versions 12 to 14 (testanything.org).
struct KTAPLine: Hashable {
  enum Kind: Hashable {
    /// `KTAP version 1`, `TAP version 13`.
    case version
    /// `1..8`; `1..0 # SKIP reason`.
    case plan(count: Int, skip: String?)
    case result(Test)
    /// `Bail out! reason`.
    case bailOut(reason: String)
    /// `# Subtest: name`.
    case subtest(name: String)
    /// `---` and `...` around a YAML block (TAP 13).
    case yamlStart, yamlEnd
    case text
  }

  /// `not ok 3 - name # SKIP reason`.
  struct Test: Hashable {
    var isOK: Bool
    var number: Int?
    var name: String
    var directive: Directive?
    /// The line has ` - ` after its number, which no prose has.
    var hasDash = false
  }

  enum Directive: Hashable {
    case skip(String), todo(String), expectedFailure(String), timeout(String)
    /// Anything else after ` # `, such as `exit=1`.
    case other(String)
  }

  let kind: Kind
  /// Bytes of indentation and of `# ` prefixes before the content: the nesting depth.
  let column: Int

  /// - Parameter bytes: a line without its end, without terminal colours or a kernel time stamp.
  init(_ bytes: UnsafeRawBufferPointer) {
    var start = Self.skipSpaces(bytes, from: 0)
    var position = start
    // kselftest prefixes each line of a nested program with `# `. Text after such a prefix is a diagnostic.
    while true {
      if let kind = Self.structure(bytes, from: position) {
        self.kind = kind
        column = position
        return
      }
      guard position + 1 < bytes.count, bytes[position] == UInt8(ascii: "#"), bytes[position + 1] == 0x20
      else {
        break
      }
      start = position + 2
      position = Self.skipSpaces(bytes, from: start)
    }
    kind = .text
    column = position
  }

  private static func skipSpaces(_ bytes: UnsafeRawBufferPointer, from start: Int) -> Int {
    var position = start
    while position < bytes.count, bytes[position] == 0x20 || bytes[position] == 0x09 { position += 1 }
    return position
  }

  private static func structure(_ bytes: UnsafeRawBufferPointer, from start: Int) -> Kind? {
    guard start < bytes.count else { return nil }
    let rest = UnsafeRawBufferPointer(rebasing: bytes[start...])
    switch rest[0] {
    case UInt8(ascii: "o"), UInt8(ascii: "n"): return result(rest)
    case UInt8(ascii: "K"): return rest.hasPrefix("KTAP version ") ? .version : nil
    case UInt8(ascii: "T"): return rest.hasPrefix("TAP version ") ? .version : nil
    case UInt8(ascii: "B"):
      return rest.hasPrefix("Bail out!") ? .bailOut(reason: rest.text(from: 9).trimmed) : nil
    case UInt8(ascii: "1"): return plan(rest)
    case UInt8(ascii: "#"):
      return rest.hasPrefix("# Subtest:") ? .subtest(name: rest.text(from: 10).trimmed) : nil
    case UInt8(ascii: "-"): return rest.count == 3 && rest.hasPrefix("---") ? .yamlStart : nil
    case UInt8(ascii: "."): return rest.count == 3 && rest.hasPrefix("...") ? .yamlEnd : nil
    default: return nil
    }
  }

  private static func plan(_ rest: UnsafeRawBufferPointer) -> Kind? {
    guard rest.hasPrefix("1..") else { return nil }
    var position = 3
    guard let count = rest.number(from: &position) else { return nil }
    let tail = rest.text(from: position).trimmed
    if tail.isEmpty { return .plan(count: count, skip: nil) }
    guard tail.hasPrefix("#") else { return nil }
    let comment = String(tail.dropFirst()).trimmed
    if count == 0, let reason = comment.after(word: "skip") { return .plan(count: 0, skip: reason) }
    return .plan(count: count, skip: nil)
  }

  private static func result(_ rest: UnsafeRawBufferPointer) -> Kind? {
    var position: Int
    let isOK: Bool
    if rest.hasPrefix("ok") {
      (position, isOK) = (2, true)
    } else if rest.hasPrefix("not ok") {
      (position, isOK) = (6, false)
    } else {
      return nil
    }
    guard position == rest.count || rest[position] == 0x20 || rest[position] == 0x09 else { return nil }
    position = skipSpaces(rest, from: position)
    var test = Test(isOK: isOK, name: "")
    let beforeNumber = position
    test.number = rest.number(from: &position)
    // `ok 2nd try` has no number.
    if test.number != nil, position < rest.count, rest[position] != 0x20, rest[position] != 0x09,
      rest[position] != UInt8(ascii: "#"), rest[position] != UInt8(ascii: "-")
    {
      test.number = nil
      position = beforeNumber
    }
    position = skipSpaces(rest, from: position)
    if position < rest.count, rest[position] == UInt8(ascii: "-"),
      position + 1 == rest.count || rest[position + 1] == 0x20
    {
      test.hasDash = true
      position = skipSpaces(rest, from: position + 1)
    }
    let (name, comment) = split(UnsafeRawBufferPointer(rebasing: rest[position...]))
    test.name = name
    if let comment {
      let directive = directive(comment.trimmed)
      test.directive = directive
      // `ok 3 # SKIP CLOCK_TAI`: the name, or the reason, is all that there is.
      if test.name.isEmpty, case .skip(let reason) = directive { test.name = reason }
    }
    return .result(test)
  }

  /// Splits a description at the first `#` that is not escaped and follows a space or begins the text.
  private static func split(_ bytes: UnsafeRawBufferPointer) -> (name: String, comment: String?) {
    // Most descriptions have none.
    guard bytes.firstOffset(of: UInt8(ascii: "#"), from: 0) != nil else { return (bytes.trimmedText, nil) }
    guard bytes.firstOffset(of: UInt8(ascii: "\\"), from: 0) == nil else {
      let (name, comment) = split(bytes.text(from: 0))
      return (name.trimmed, comment)
    }
    var position = 0
    while let found = bytes.firstOffset(of: UInt8(ascii: "#"), from: position) {
      position = found + 1
      guard found == 0 || bytes[found - 1] == 0x20 || bytes[found - 1] == 0x09 else { continue }
      let comment = bytes.text(from: position)
      if comment.first == " " || isDirective(comment[...]) {
        return (UnsafeRawBufferPointer(rebasing: bytes[..<found]).trimmedText, comment)
      }
    }
    return (bytes.trimmedText, nil)
  }

  private static func split(_ text: String) -> (name: String, comment: String?) {
    var name = ""
    var previous: Character = " "
    for index in text.indices {
      let character = text[index]
      if character == "#", previous == " " || previous == "\t" {
        // `# ` or `#SKIP`; a name may hold `#1`.
        let comment = text[text.index(after: index)...]
        if comment.first == " " || isDirective(comment) { return (name, String(comment)) }
      }
      if character == "#", previous == "\\" { name.removeLast() }
      name.append(character)
      previous = character
    }
    return (name, nil)
  }

  private static func isDirective(_ text: Substring) -> Bool {
    ["skip", "todo", "xfail", "timeout"].contains { String(text).after(word: $0) != nil }
  }

  private static func directive(_ comment: String) -> Directive {
    if let reason = comment.after(word: "skip") { return .skip(reason) }
    if let reason = comment.after(word: "todo") { return .todo(reason) }
    if let reason = comment.after(word: "xfail") { return .expectedFailure(reason) }
    if let reason = comment.after(word: "timeout") { return .timeout(reason) }
    return .other(comment)
  }
}

extension UnsafeRawBufferPointer {
  func hasPrefix(_ prefix: StaticString) -> Bool { hasText(prefix, at: 0) }

  /// Whether `text` begins at `position`.
  func hasText(_ text: StaticString, at position: Int) -> Bool {
    let length = text.utf8CodeUnitCount
    guard let base = baseAddress, position >= 0, count - position >= length else { return false }
    return memcmp(base + position, text.utf8Start, length) == 0
  }

  /// The position of the first such byte at `start` or after it.
  func firstOffset(of byte: UInt8, from start: Int) -> Int? {
    guard let base = baseAddress, start < count,
      let found = memchr(base + start, Int32(byte), count - start)
    else { return nil }
    return UnsafeRawPointer(found) - base
  }

  /// The text without white space around it. Invalid UTF-8 is replaced.
  var trimmedText: String {
    var start = 0, end = count
    while start < end, Self.isBlank(self[start]) { start += 1 }
    while end > start, Self.isBlank(self[end - 1]) { end -= 1 }
    let text = String(decoding: self[start..<end], as: UTF8.self)
    // Unicode has more white space than ASCII.
    guard end > start, self[start] >= 0x80 || self[end - 1] >= 0x80 else { return text }
    return text.trimmed
  }

  private static func isBlank(_ byte: UInt8) -> Bool { byte == 0x20 || (0x09...0x0D).contains(byte) }

  /// Decodes UTF-8; each invalid sequence becomes U+FFFD.
  func text(from start: Int) -> String { String(decoding: self[Swift.min(start, count)...], as: UTF8.self) }

  /// Reads decimal digits and moves `position` after them.
  /// - Returns: nil without a digit, and for a number above nine digits.
  func number(from position: inout Int) -> Int? {
    var value = 0
    let start = position
    while position < count, (0x30...0x39).contains(self[position]), position - start < 10 {
      value = value * 10 + Int(self[position] - 0x30)
      position += 1
    }
    guard position > start, position - start < 10 else {
      position = start
      return nil
    }
    return value
  }
}

extension String {
  var trimmed: String {
    var rest = self[...]
    while let first = rest.first, first.isWhitespace { rest.removeFirst() }
    while let last = rest.last, last.isWhitespace { rest.removeLast() }
    return String(rest)
  }

  /// Returns the text after `word`, which must stand first and alone, in any case; nil where it does not. `SKIP:` counts.
  func after(word: String) -> String? {
    guard utf8.count >= word.utf8.count, prefix(word.count).lowercased() == word else { return nil }
    let rest = dropFirst(word.count)
    guard let next = rest.first else { return "" }
    guard !next.isLetter, !next.isNumber, next != "_" else {
      // `SKIPPED`, `skipping`.
      return nil
    }
    return String(next == ":" ? rest.dropFirst() : rest).trimmed
  }
}
