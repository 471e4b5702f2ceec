/// The number of a port of one network: 1, 2, … in the order in which the ports were added.
package struct PortNumber: Hashable, Sendable, Codable, Comparable, CustomStringConvertible {
  package let rawValue: Int
  init(_ rawValue: Int) { self.rawValue = rawValue }

  var index: Int { rawValue - 1 }
  package var description: String { "\(rawValue)" }
  package static func < (left: Self, right: Self) -> Bool { left.rawValue < right.rawValue }
}
