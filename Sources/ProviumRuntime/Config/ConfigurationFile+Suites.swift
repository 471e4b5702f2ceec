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
    case .ltp: return try ltp(table, name: name, root: root)
    case .fstests: return try fstests(table, name: name, root: root)
    }
  }

  private static func kunit(_ table: TableReader, name: String) throws -> SuiteSettings {
    try table.checkKeys(["kind", "suites", "isolation", "profile", "memory", "timeout"])
    var suite = SuiteSettings(name: name, kind: .kunit)
    if let word: SuiteSettings.KUnitIsolation = try table.word("isolation") {
      suite.isolation = word.isolation
    }
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
    var suite = try programs(table, name: name, .kselftest, root: root)
    suite.selected = try table.strings("collections")
    suite.ignoresKernelOptions = try table.flag("ignore_config") ?? false
    return suite
  }

  private static func ltp(_ table: TableReader, name: String, root: String) throws -> SuiteSettings {
    try table.checkKeys([
      "kind", "path", "runtest", "skip", "isolation", "fixture", "profile", "memory", "timeout", "variables",
    ])
    var suite = try programs(table, name: name, .ltp, root: root)
    suite.selected = try table.strings("runtest")
    suite.variables = try table.variables("variables")
    return suite
  }

  private static func fstests(_ table: TableReader, name: String, root: String) throws -> SuiteSettings {
    try table.checkKeys([
      "kind", "path", "tests", "groups", "skip", "isolation", "profile", "memory", "timeout", "variables",
      "filesystem", "disk_size",
    ])
    var suite = try programs(table, name: name, .fstests, root: root)
    suite.selected = try table.strings("tests")
    suite.groups = try table.strings("groups")
    suite.variables = try table.variables("variables")
    if let type = try table.string("filesystem") {
      guard SuiteSettings.isFileSystem(type) else {
        throw table.bad("filesystem", given: "\"\(type)\"", accepted: "a type such as \"ext4\" or \"xfs\"")
      }
      suite.fileSystem = type
    }
    if let size = try table.bytes("disk_size") {
      guard SuiteSettings.isDiskSize(size) else {
        throw table.bad("disk_size", given: "\(size) bytes", accepted: SuiteSettings.acceptedDiskSizes)
      }
      suite.diskSize = size
    }
    return suite
  }

  /// Reads the keys that all suites of programs have.
  private static func programs(
    _ table: TableReader,
    name: String,
    _ kind: SuiteSettings.Kind,
    root: String
  ) throws -> SuiteSettings {
    guard let path = try table.path("path", root: root) else { throw table.missing("path") }
    var suite = SuiteSettings(name: name, kind: kind, path: Files.normalize(path))
    suite.skipped = try table.strings("skip")
    suite.isolation = try table.word("isolation") ?? suite.isolation
    suite.fixture = try table.string("fixture")
    suite.profile = try table.string("profile") ?? suite.profile
    suite.memory = try table.bytes("memory")
    suite.timeout = try table.duration("timeout")
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

  /// A table of strings whose keys are names of variables.
  func variables(_ key: String) throws -> [String: String] {
    guard let inner = try table(key) else { return [:] }
    var variables: [String: String] = [:]
    for name in inner.keys {
      guard SuiteSettings.isVariable(name) else {
        throw bad(key, given: "the name '\(name)'", accepted: "names of letters, digits and _")
      }
      variables[name] = try inner.string(name)
    }
    return variables
  }

  func missing(_ key: String) -> ConfigurationError {
    .missingKey(path: path, line: line, table: name, key: key)
  }
}
