/// A kernel's release: `6.1.0-56-cloud-amd64`. Compared by the numbers of its version.
package struct KernelRelease: Sendable, Hashable, CustomStringConvertible {
  package let description: String
  /// `[6, 1, 0]`
  let version: [Int]

  /// nil: the text does not begin with a version.
  package init?(_ text: String) {
    let version = text.prefix { $0.isASCII && $0.isNumber || $0 == "." }
    let numbers = version.split(separator: ".", omittingEmptySubsequences: false).map { Int($0) }
    // `6.` is cut short; a suffix such as -rc2 or +deb12 is not part of the version.
    guard numbers.count <= 4, let found = numbers as? [Int], !found.isEmpty else { return nil }
    self.version = found
    description = text
  }

  /// Compares as many numbers as `other` has: 6.1.9 is equal to 6.1, and neither is less than the other.
  /// - Returns: -1, 0 or 1.
  package func compare(to other: KernelRelease) -> Int {
    let own = version + [Int](repeating: 0, count: max(0, other.version.count - version.count))
    for (one, another) in zip(own, other.version) where one != another { return one < another ? -1 : 1 }
    return 0
  }
}

/// A condition on a kernel's release: `>= 6.2`, `>= 5.10, < 6.2`, `6.1`.
package struct KernelCondition: Sendable, Hashable, CustomStringConvertible {
  package let description: String
  private let parts: [Part]

  private struct Part: Hashable {
    let operation: String
    let release: KernelRelease
  }

  private static let operations = [">=", "<=", "==", "~=", ">", "<"]

  /// nil: the text is not a condition.
  package init?(_ text: String) {
    description = text
    var parts: [Part] = []
    for word in text.split(separator: ",", omittingEmptySubsequences: false) {
      var rest = word.drop { $0 == " " }
      let operation = Self.operations.first { rest.hasPrefix($0) }
      rest = rest.dropFirst(operation?.count ?? 0).drop { $0 == " " }
      while rest.last == " " { rest.removeLast() }
      guard rest.allSatisfy({ $0.isASCII && $0.isNumber || $0 == "." }),
        let release = KernelRelease(String(rest))
      else { return nil }
      parts.append(Part(operation: operation ?? "==", release: release))
    }
    self.parts = parts
  }

  /// Whether a release meets all parts.
  package func isMet(by release: KernelRelease) -> Bool {
    parts.allSatisfy { part in
      let order = release.compare(to: part.release)
      return switch part.operation {
      case ">=": order >= 0
      case "<=": order <= 0
      case ">": order > 0
      case "<": order < 0
      case "~=": order != 0
      default: order == 0
      }
    }
  }
}
