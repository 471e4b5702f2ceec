/// Events of a share that concern its user. Paths are relative to the shared folder.
package struct ShareReport: Sendable, Equatable {
  /// The most paths that are kept of each kind.
  static let mostPaths = 1000

  /// Files and folders that this user may not read. Each was an EACCES in the guest.
  package private(set) var denied: [[UInt8]] = []
  /// Files that changed on the host after a part of them was read. Each was an EIO or ESTALE in the guest.
  package private(set) var changed: [[UInt8]] = []
  /// Files whose contents were read, with the version that was read last.
  package internal(set) var read: [[UInt8]: NodeFacts] = [:]

  mutating func deny(_ path: [UInt8]) { Self.add(path, to: &denied) }
  mutating func change(_ path: [UInt8]) { Self.add(path, to: &changed) }

  private static func add(_ path: [UInt8], to paths: inout [[UInt8]]) {
    if paths.count < mostPaths, !paths.contains(path) { paths.append(path) }
  }
}
