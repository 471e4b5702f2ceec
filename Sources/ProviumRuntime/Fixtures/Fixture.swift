import ProviumSystem

/// A fixture's identity: however a test names it, one script is one fixture.
package struct Fixture: Sendable, Hashable {
  /// The name that messages show.
  package let name: String
  /// Absolute path of the script, without `.` and `..`.
  package let source: String
  /// Whether all VMs and networks of the script are kept, not only the last VM.
  package private(set) var isLab = false

  /// - Parameter name: nil: derived from the path.
  package init(name: String? = nil, source: String) {
    let source = Files.normalize(source)
    self.source = source
    self.name = name ?? Self.name(of: source)
  }

  /// `base` for …/fixtures/base.lua, `net/base` for …/fixtures/net/base.lua; the file's own name elsewhere.
  private static func name(of source: String) -> String {
    let path = source.hasSuffix(".lua") ? source.dropLast(4) : source[...]
    let folder = path.ranges(of: "/fixtures/").last?.upperBound
    let start = folder ?? path.lastIndex(of: "/").map(path.index(after:)) ?? path.startIndex
    return String(path[start...])
  }

  package static func == (one: Fixture, other: Fixture) -> Bool {
    one.source == other.source && one.isLab == other.isLab
  }
  package func hash(into hasher: inout Hasher) {
    hasher.combine(source)
    hasher.combine(isLab)
  }

  /// The lab of the same script.
  package var lab: Fixture {
    var lab = self
    lab.isLab = true
    return lab
  }
}
