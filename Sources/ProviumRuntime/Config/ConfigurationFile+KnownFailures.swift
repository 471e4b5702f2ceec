/// The `[known.NAME]` tables.
extension ConfigurationFile {
  static func knownFailures(_ reader: TableReader) throws -> [KnownFailure] {
    guard let tables = try reader.table("known") else { return [] }
    return try tables.keys.compactMap { name in
      try tables.table(name).map { try knownFailure($0, name: name) }
    }
  }

  private static func knownFailure(_ table: TableReader, name: String) throws -> KnownFailure {
    try table.checkKeys(["tests", "reason", "until"])
    let tests = try table.strings("tests")
    guard !tests.isEmpty else { throw table.missing("tests") }
    guard let reason = try table.string("reason"), !reason.isEmpty else { throw table.missing("reason") }
    guard let text = try table.string("until") else { throw table.missing("until") }
    guard let until = KnownFailure.Day(text) else {
      throw table.bad("until", given: "\"\(text)\"", accepted: "a day such as \"2027-01-31\"")
    }
    return KnownFailure(name: name, tests: tests, reason: reason, until: until)
  }
}
