import ProviumSystem

/// The `[suite.NAME]` tables.
extension ConfigurationFile {
  static func suites(_ reader: TableReader, root: String) throws -> [String: SuiteSettings] {
    guard let tables = try reader.table("suite") else { return [:] }
    var suites: [String: SuiteSettings] = [:]
    for name in tables.keys {
      guard let table = try tables.table(name) else { continue }
      suites[name] = try suite(table, name: name, root: root)
    }
    return suites
  }

  private static func suite(_ table: TableReader, name: String, root: String) throws -> SuiteSettings {
    guard let kind: SuiteSettings.Kind = try table.word("kind") else { throw table.missing("kind") }
    switch kind {
    case .kselftest: return try selftests(table, name: name, root: root)
    case .kunit: return try kunit(table, name: name)
    }
  }

  private static func kunit(_ table: TableReader, name: String) throws -> SuiteSettings {
    try table.checkKeys(["kind", "suites", "profile", "memory", "timeout"])
    var suite = SuiteSettings(name: name, kind: .kunit)
    suite.selected = try table.strings("suites")
    suite.profile = try table.string("profile") ?? suite.profile
    suite.memory = try table.bytes("memory")
    suite.timeout = try table.duration("timeout")
    return suite
  }

  private static func selftests(_ table: TableReader, name: String, root: String) throws -> SuiteSettings {
    try table.checkKeys([
      "kind", "path", "collections", "skip", "isolation", "fixture", "profile", "memory", "timeout",
      "ignore_config",
    ])
    guard let path = try table.path("path", root: root) else { throw table.missing("path") }
    var suite = SuiteSettings(name: name, kind: .kselftest, path: Files.normalize(path))
    suite.selected = try table.strings("collections")
    suite.skipped = try table.strings("skip")
    suite.isolation = try table.word("isolation") ?? suite.isolation
    suite.fixture = try table.string("fixture")
    suite.profile = try table.string("profile") ?? suite.profile
    suite.memory = try table.bytes("memory")
    suite.timeout = try table.duration("timeout")
    suite.ignoresKernelOptions = try table.flag("ignore_config") ?? false
    if suite.fixture != nil, try table.string("profile") != nil {
      throw table.bad(
        "profile",
        given: "named beside a fixture",
        accepted: "left out: the fixture has its own"
      )
    }
    return suite
  }
}

extension TableReader {
  /// One of the words of an enumeration.
  func word<Word: RawRepresentable<String> & CaseIterable>(_ key: String) throws -> Word? {
    guard let text = try string(key) else { return nil }
    if let word = Word(rawValue: text) { return word }
    let accepted = Word.allCases.map { "\"\($0.rawValue)\"" }.joined(separator: " or ")
    throw bad(key, given: "\"\(text)\"", accepted: accepted)
  }

  func flag(_ key: String) throws -> Bool? {
    guard let value = table[key] else { return nil }
    guard let flag = value.bool else { throw bad(key, given: "no flag", accepted: "true or false") }
    return flag
  }

  func missing(_ key: String) -> ConfigurationError {
    .missingKey(path: path, line: line, table: name, key: key)
  }
}
