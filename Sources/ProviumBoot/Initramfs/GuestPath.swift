/// Where in the guest an injected file is put: an absolute path that names a file, in one spelling. Bytes, as the kernel
/// has them: two names that look the same are two files.
package struct GuestPath: Hashable, Comparable, Sendable, CustomStringConvertible {
  package let bytes: [UInt8]

  /// Why a path can be none, as a phrase that follows it.
  package struct Unusable: Error, Hashable, CustomStringConvertible {
    package let description: String
  }

  private static let slash = UInt8(ascii: "/")
  private static let dots = [Array(".".utf8), Array("..".utf8)]
  /// `NAME_MAX`, and `PATH_MAX` less the folder that the files travel in.
  private static let longestName = 255
  private static let longest = 4000

  /// `//` and `/./` mean `/`.
  package init(_ path: [UInt8]) throws(Unusable) {
    guard path.first == Self.slash else { throw Unusable(description: "is no absolute guest path") }
    guard !path.contains(0) else { throw Unusable(description: "contains a NUL byte") }
    let names = path.split(separator: Self.slash).map(Array.init)
    guard path.last != Self.slash, let last = names.last, !Self.dots.contains(last) else {
      throw Unusable(description: "names a directory, not a file")
    }
    guard !names.contains(Self.dots[1]) else {
      throw Unusable(description: "contains '..': name the place itself")
    }
    let kept = names.filter { $0 != Self.dots[0] }
    bytes = kept.flatMap { [Self.slash] + $0 }
    guard bytes.count <= Self.longest, kept.allSatisfy({ $0.count <= Self.longestName }) else {
      throw Unusable(description: "is longer than a guest's kernel accepts")
    }
  }

  package init(_ path: String) throws(Unusable) { try self.init(Array(path.utf8)) }

  /// The first of `paths` that would have to be a directory above this one.
  package func fileAbove(among paths: some Collection<GuestPath>) -> GuestPath? {
    paths.first { bytes.starts(with: $0.bytes + [Self.slash]) }
  }

  package static func < (left: GuestPath, right: GuestPath) -> Bool {
    left.bytes.lexicographicallyPrecedes(right.bytes)
  }

  /// The path as text. Bytes that are not UTF-8 become U+FFFD.
  package var description: String { String(decoding: bytes, as: UTF8.self) }
}
