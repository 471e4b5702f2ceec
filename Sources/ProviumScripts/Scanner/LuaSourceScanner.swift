import ProviumSystem

/// Lists the tests of a script without running it.
///
/// Reads tokens and follows blocks, so that it knows which function's body a test is in. Takes every call of
/// the global `test` for a test. Marks what is known only when the script runs: dynamic names, conditional
/// tests.
package struct LuaSourceScanner {
  private let tokens: [LuaToken]
  private var position = 0
  private var tests: [ScannedTest] = []
  private var names = OrdinalNames()
  /// Names of conditional tests: how often they run decides the ordinals of later tests of these names.
  private var conditionalNames: Set<String> = []
  /// The number of functions given as arguments that are open here, within the present test's body.
  private var depth = 0

  private enum Block {
    /// `do … end`
    case plain
    case conditional
  }

  package static func scan(_ source: [UInt8]) -> ScannedScript {
    let (tokens, error) = LuaLexer.tokens(of: source)
    var scanner = LuaSourceScanner(tokens: tokens)
    scanner.readBlock()
    return ScannedScript(
      tests: scanner.tests,
      error: error,
      loadsOthers: tokens.contains(where: \.loads),
      redefinesFunctions: tokens.indices.contains { scanner.redefines(at: $0) }
    )
  }

  /// Whether the name at `index` is defined there: `local test`, `local a, test`, `function test(`, `test =`,
  /// a parameter.
  private func redefines(at index: Int) -> Bool {
    guard case .name(let name) = tokens[index].kind, ["test", "skip", "todo"].contains(name) else {
      return false
    }
    let before = index > 0 ? tokens[index - 1] : nil
    if before?.isSymbol(".") == true || before?.isSymbol(":") == true { return false }
    if before?.isKeyword("function") == true || before?.isKeyword("local") == true { return true }
    let after = tokens[min(index + 1, tokens.count - 1)]
    // In a table, `skip = "why"` is a field.
    return after.isSymbol("=") && !["{", ",", ";"].contains { before?.isSymbol($0) == true }
  }

  private init(tokens: [LuaToken]) { self.tokens = tokens }

  private var token: LuaToken { tokens[min(position, tokens.count - 1)] }
  private func ahead(_ count: Int) -> LuaToken { tokens[min(position + count, tokens.count - 1)] }
  private var previous: LuaToken? { position > 0 ? tokens[position - 1] : nil }

  // MARK: Blocks

  /// Reads past the `end` or `until` that closes the present block, or to the end of the source.
  private mutating func readBlock() {
    var open: [Block] = []
    var isLoopHead = false
    while token.kind != .end {
      if startsTest {
        readTest(isConditional: depth > 0 || open.contains(.conditional))
        continue
      }
      switch token.kind {
      case .keyword("while"), .keyword("for"): isLoopHead = true
      case .keyword("do"):
        open.append(isLoopHead ? .conditional : .plain)
        isLoopHead = false
      case .keyword("function"), .keyword("then"), .keyword("repeat"): open.append(.conditional)
      case .keyword("elseif"): _ = open.popLast()  // its `then` opens a block; `else` keeps the open one
      case .keyword("end"), .keyword("until"):
        if open.popLast() == nil {
          position += 1
          return
        }
      default: break
      }
      position += 1
    }
  }

  // MARK: Tests

  /// Whether a call of the global `test` begins here. A field, a method and a definition do not count.
  private var startsTest: Bool {
    guard token.isName("test"), ahead(1).isSymbol("(") else { return false }
    guard let previous else { return true }
    return ![".", ":"].contains { previous.isSymbol($0) } && !previous.isKeyword("function")
  }

  private mutating func readTest(isConditional: Bool) {
    var test = ScannedTest(
      name: .dynamic,
      line: token.line,
      column: token.column,
      isConditional: isConditional
    )
    position += 2
    if let name = readLiteralName() { test.name = .literal(name) } else { skipArgument() }
    if token.isSymbol(",") {
      position += 1
      if token.isSymbol("{") {
        readMeta(into: &test)
        if token.isSymbol(",") { position += 1 } else { skipArgument() }
      } else if !token.isKeyword("function") {
        skipArgument()
        if token.isSymbol(",") {
          // The skipped argument is the meta, not the body.
          test.hasComputedTags = true
          position += 1
        }
      }
    }
    if token.isKeyword("function") { readBody(into: &test) }
    append(test)
  }

  /// Adds a test to the present parent's, with an ordinal if its name is there already, as a run names it.
  private mutating func append(_ test: ScannedTest) {
    var test = test
    if case .literal(let name) = test.name {
      test.name = .literal(names.next(name))
      if conditionalNames.contains(name) { test.isConditional = true }
      if test.isConditional { conditionalNames.insert(name) }
    }
    tests.append(test)
  }

  /// Reads string literals, one or several joined by `..`, up to the comma. Moves only if there is nothing
  /// else.
  private mutating func readLiteralName() -> String? {
    var bytes: [UInt8] = []
    var index = position
    while case .string(let part) = tokens[min(index, tokens.count - 1)].kind {
      bytes += part
      index += 1
      let next = tokens[min(index, tokens.count - 1)]
      if next.isSymbol(",") {
        position = index
        return String(decoding: bytes, as: UTF8.self)
      }
      guard next.isSymbol("..") else { return nil }
      index += 1
    }
    return nil
  }

  /// Skips an argument up to the comma or bracket after it. Tests in its functions are read.
  private mutating func skipArgument() {
    var open = 0
    while token.kind != .end {
      if case .symbol(let symbol) = token.kind {
        if open == 0, symbol == "," || symbol == ")" { return }
        if ["(", "{", "["].contains(symbol) { open += 1 }
        if [")", "}", "]"].contains(symbol) { open -= 1 }
      } else if token.isKeyword("function") {
        position += 1
        depth += 1
        readBlock()
        depth -= 1
        continue
      }
      position += 1
    }
  }

  /// Reads `function (t) … end`, with the tests inside as children.
  private mutating func readBody(into test: inout ScannedTest) {
    position += 1
    while token.kind != .end, !token.isSymbol(")") { position += 1 }
    position += 1
    test.exemption = test.exemption ?? firstStatementExemption()
    var inner = LuaSourceScanner(tokens: tokens)
    inner.position = position
    inner.readBlock()
    position = inner.position
    test.children = inner.tests
  }

  /// The exemption of a body whose first statement is `todo("…")` or `skip("…")`.
  private func firstStatementExemption() -> ScannedTest.Exemption? {
    guard case .name(let name) = token.kind, name == "todo" || name == "skip" else { return nil }
    let reason: String?
    if case .string(let bytes) = ahead(1).kind {
      reason = String(decoding: bytes, as: UTF8.self)
    } else if ahead(1).isSymbol("("), ahead(2).isSymbol(")") {
      reason = nil
    } else if ahead(1).isSymbol("("), case .string(let bytes) = ahead(2).kind {
      reason = ahead(3).isSymbol(")") ? String(decoding: bytes, as: UTF8.self) : nil
    } else if ahead(1).isSymbol("(") {
      reason = nil
    } else {
      return nil
    }
    return name == "todo" ? .todo(reason: reason) : .skip(reason: reason)
  }
}

// MARK: Meta

extension LuaSourceScanner {
  /// Reads the literals of `{ tags = {"a"}, skip = "why", slow = true, timeout = 5, … }`.
  private mutating func readMeta(into test: inout ScannedTest) {
    position += 1
    while token.kind != .end, !token.isSymbol("}") {
      if let key = metaKey() {
        let start = position
        skipField()
        apply(key, Array(tokens[start..<position]), to: &test)
      } else {
        skipField()
      }
      if token.isSymbol(",") || token.isSymbol(";") { position += 1 }
    }
    position += 1
  }

  /// Reads `name =` or `["name"] =`.
  private mutating func metaKey() -> String? {
    if case .name(let name) = token.kind, ahead(1).isSymbol("=") {
      position += 2
      return name
    }
    if token.isSymbol("["), case .string(let bytes) = ahead(1).kind, ahead(2).isSymbol("]"),
      ahead(3).isSymbol("=")
    {
      position += 4
      return String(decoding: bytes, as: UTF8.self)
    }
    return nil
  }

  private mutating func skipField() {
    var open = 0
    while token.kind != .end {
      if open == 0, [",", ";", "}"].contains(where: { token.isSymbol($0) }) { return }
      if case .symbol(let symbol) = token.kind {
        if ["(", "{", "["].contains(symbol) { open += 1 }
        if [")", "}", "]"].contains(symbol) { open -= 1 }
      } else if token.isKeyword("function") {
        position += 1
        readBlock()
        continue
      }
      position += 1
    }
  }

  private func apply(_ key: String, _ value: [LuaToken], to test: inout ScannedTest) {
    switch (key, value.first?.kind, value.count) {
    case ("skip", .keyword("true"), 1): test.exemption = .skip(reason: nil)
    case ("skip", .string(let reason), 1):
      test.exemption = .skip(reason: String(decoding: reason, as: UTF8.self))
    case ("slow", .keyword("true"), 1): test.isSlow = true
    case ("timeout", .number(let number), 1): test.timeout = number
    case ("timeout", .string(let text), 1): test.timeout = String(decoding: text, as: UTF8.self)
    case ("tags", .string(let tag), 1): test.tags = [String(decoding: tag, as: UTF8.self)]
    case ("tags", .symbol("{"), _):
      test.tags = value.compactMap { token in
        if case .string(let tag) = token.kind { String(decoding: tag, as: UTF8.self) } else { nil }
      }
      test.hasComputedTags = value.contains { token in
        if case .string = token.kind { return false }
        return !["{", "}", ",", ";"].contains { token.isSymbol($0) }
      }
    case ("tags", _, _): test.hasComputedTags = true
    default: break
    }
  }
}
