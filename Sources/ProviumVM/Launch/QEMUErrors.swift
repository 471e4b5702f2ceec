import ProviumSystem

/// The file with QEMU's standard error.
package struct QEMUErrors: Sendable {
  package let path: String

  /// The last lines, without the program's name; warnings about what this host's processor lacks are left out.
  package var tail: [String] {
    guard let text = try? Files.readText(path) else { return [] }
    return text.split(separator: "\n").suffix(8).map { line in
      guard let colon = line.firstRange(of: ": "), line.hasPrefix("qemu-system") else { return String(line) }
      return String(line[colon.upperBound...])
    }.filter { !$0.hasPrefix("warning: ") && !$0.hasPrefix("terminating on signal") }
  }
}
