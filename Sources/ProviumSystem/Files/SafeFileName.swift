/// Names of files that are made from names which a user or a guest chose: of tests, fixtures, VMs.
package enum SafeFileName {
  /// A file system takes 255 bytes; a suffix must fit too.
  package static let defaultLimit = 100

  /// Replaces each character outside `A-Z a-z 0-9 - _ .` with `-`, and keeps at most `limit` characters.
  ///
  /// The result is one path component: never empty, never `.` or `..`. Different texts may give the same
  /// name; append a digest or a number where that matters.
  package static func make(_ text: some StringProtocol, limit: Int = defaultLimit) -> String {
    let name = String(text.prefix(limit).map { isSafe($0) ? $0 : "-" })
    return name.allSatisfy { $0 == "." } ? String(repeating: "-", count: max(1, name.count)) : name
  }

  private static func isSafe(_ character: Character) -> Bool {
    character.isASCII && (character.isLetter || character.isNumber || "-_.".contains(character))
  }
}
