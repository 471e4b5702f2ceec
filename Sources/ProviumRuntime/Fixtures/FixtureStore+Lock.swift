import Glibc
package import ProviumSystem

/// Locks of fixtures between processes. A lock file names the process that builds, and the fixture that its build waits for:
///
///     process 4711
///     waits for base-0123456789abcdef
///
/// A lock file is never removed. Otherwise a process that had opened it before would lock a file without a name, while
/// another process locks a new file. There is one small file for each script that ever was a fixture.
extension FixtureStore {
  /// Locks a fixture, since one process at a time may build it. Blocks while another process holds the lock.
  /// - Parameters:
  ///   - holding: places that the caller has locked already, outermost first.
  ///   - waiting: receives the holder, `process 4711`, when the wait begins.
  ///   - isCancelled: checked repeatedly; a cancelled wait ends with `FixtureError.interrupted`.
  /// - Throws: `FixtureError.circular` where the holder waits, directly or through others, for one in `holding`.
  package func lock(
    _ place: String,
    until deadline: Deadline,
    holding: [String] = [],
    waiting: (String) -> Void = { _ in },
    isCancelled: () -> Bool = { false }
  ) throws -> FileLock {
    do { try Files.createDirectories(folder, mode: 0o700) } catch {
      throw FixtureError.store(path: folder, reason: "\(error)")
    }
    var cycle: [String]?
    var said = false
    defer { if said, let mine = holding.last { note(mine, waitsFor: nil) } }
    let lock = try FileLock.acquire(
      "\(place).lock",
      until: deadline,
      waiting: { text in
        said = true
        if let mine = holding.last { note(mine, waitsFor: place) }
        waiting(text.split(separator: "\n").first.map(String.init) ?? "")
      },
      isCancelled: {
        let now = self.cycle(from: place, backTo: holding)
        // Seen twice: a first sight may show the lines of a dead process, before the present holder has written its own.
        defer { cycle = now }
        return now != nil && now == cycle || isCancelled()
      }
    )
    guard let lock else {
      if isCancelled() { throw FixtureError.interrupted }
      if let cycle { throw FixtureError.circular(chain: cycle.map(Self.name(at:))) }
      throw FixtureError.store(
        path: folder,
        reason: "another process has been building this fixture for too long"
      )
    }
    lock.describeHolder(Self.holder)
    return lock
  }

  private static var holder: String { "process \(getpid())" }
  private static let waits = "waits for "

  /// Writes the place that a build waits for into the lock file of its own place; nil: it does not wait. The caller holds the
  /// lock of `place`.
  func note(_ place: String, waitsFor other: String?) {
    let further = other.map { "\n\(Self.waits)\($0.split(separator: "/").last ?? "")" } ?? ""
    try? Files.write(Array((Self.holder + further).utf8), to: "\(place).lock")
  }

  /// Follows the waits from `place`. Returns the cycle if they lead back to a place in `holding`, else nil.
  private func cycle(from place: String, backTo holding: [String]) -> [String]? {
    var way = [place]
    while let here = way.last, way.count < 100 {
      if let start = holding.firstIndex(of: here) { return holding[start...] + way }
      let lines = ((try? Files.readText("\(here).lock")) ?? "").split(separator: "\n")
      guard lines.count == 2, lines[1].hasPrefix(Self.waits) else { return nil }
      way.append("\(folder)/\(lines[1].dropFirst(Self.waits.count))")
    }
    return nil
  }
}
