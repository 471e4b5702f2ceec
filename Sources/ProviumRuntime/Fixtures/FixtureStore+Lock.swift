import Glibc
package import ProviumSystem

/// Who builds, and for whom the builder waits: processes that know nothing of each other read it in the lock files.
///
///     process 4711
///     waits for base-0123456789abcdef
///
/// A lock file is never removed: whoever opened it just before would hold a lock on a file without a name, beside somebody who
/// locked a new one. They are empty files but for these lines, one for each script that ever was a fixture.
extension FixtureStore {
  /// Only one process builds a fixture; the others wait.
  /// - Parameters:
  ///   - holding: places that the caller has locked already, outermost first.
  ///   - waiting: told who is at it.
  ///   - isCancelled: asked again and again; a cancelled wait ends with `FixtureError.interrupted`.
  /// - Throws: `FixtureError.circular` where whoever holds the lock waits, by way of others, for one in `holding`.
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
    var circle: [String]?
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
        let now = self.circle(from: place, backTo: holding)
        // Seen twice: the lines may be those of a process that died, and whoever has the lock now not have written yet.
        defer { circle = now }
        return now != nil && now == circle || isCancelled()
      }
    )
    guard let lock else {
      if isCancelled() { throw FixtureError.interrupted }
      if let circle { throw FixtureError.circular(chain: circle.map(Self.name(at:))) }
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

  /// Writes into the lock file of a place, which the caller has locked, for which other place its build waits; nil: for none.
  func note(_ place: String, waitsFor other: String?) {
    let further = other.map { "\n\(Self.waits)\($0.split(separator: "/").last ?? "")" } ?? ""
    try? Files.write(Array((Self.holder + further).utf8), to: "\(place).lock")
  }

  /// The way from a place in `holding` over `place` and what its builder waits for, back to where it began; nil: it ends.
  private func circle(from place: String, backTo holding: [String]) -> [String]? {
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
