import ProviumAgentClient

/// Merges the lines of a kernel from its two sources, each line once: the kernel log, which the agent follows, and the
/// console, which shows only a part of them, mixed with the output of programs. A pure value.
///
/// The kernel log is the source while it is followed. Lines of the console are then held back until the log has delivered
/// them. Those that it can not deliver any more are passed on: before it is followed, after records were overwritten, after
/// the end of the agent.
struct KernelLineMerger: Sendable {
  /// A line of the kernel.
  struct Line: Hashable, Sendable {
    /// With its time stamp.
    let shown: String
    /// Since the guest's boot.
    let microseconds: UInt64
    /// A program wrote it into the kernel log.
    var isProgram = false
  }
  private enum Source {
    /// The log is not followed yet.
    case console
    case log
    /// The log has ended.
    case consoleAfterLog
    /// The VM was saved: what is not delivered will be delivered to the VMs that are resumed from the snapshot.
    case none
  }
  private struct Key: Hashable {
    let microseconds: UInt64
    let text: String
  }
  private struct Held {
    let position: Int
    let key: Key
    let line: Line
  }

  private var source = Source.console
  /// Kernel lines of the console that were neither delivered by the log nor passed on, oldest first.
  private var held: [Held] = []
  private var recent = RecentKeys()
  /// The number of the last line of the console.
  private(set) var position = 0
  /// The sequence number of the record after the last one; nil before the first.
  private(set) var nextSequence: UInt64?
  /// The time of the newest line from either source.
  private var newest: UInt64 = 0

  /// Lines that are held back at most.
  private static let heldLines = 4096

  // MARK: The console

  /// Takes a line of the console that the kernel printed.
  /// - Returns: the lines to pass on.
  mutating func take(console line: String, text: Substring, at microseconds: UInt64?) -> [Line] {
    position += 1
    let time = microseconds ?? newest
    let key = Key(microseconds: time, text: Self.normal(text))
    let held = Held(position: position, key: key, line: Line(shown: line, microseconds: time))
    switch source {
    case .none: return []
    case .console: return hold(held)
    case .log:
      if recent.contains(key) {
        // The log is complete up to this line: what was held back before it is not the kernel's.
        self.held.removeAll()
        return []
      }
      _ = hold(held)
      return []
    case .consoleAfterLog:
      // A kernel that panics may print its log again.
      if recent.contains(key) || recent.oldest.map({ time < $0 }) ?? false { return [] }
      return passOn(held)
    }
  }

  private mutating func hold(_ line: Held) -> [Line] {
    held.append(line)
    guard held.count > Self.heldLines else { return [] }
    return passOn(held.removeFirst())
  }

  private mutating func passOn(_ held: Held) -> [Line] {
    newest = max(newest, held.line.microseconds)
    recent.insert(held.key, isFromConsole: true)
    return [held.line]
  }

  /// Passes on the lines that are held back: the log does not deliver them, at least not soon.
  mutating func releaseHeld() -> [Line] { release { _ in true } }

  private mutating func release(_ isChosen: (Held) -> Bool) -> [Line] {
    let chosen = held.filter(isChosen)
    held.removeAll(where: isChosen)
    return chosen.flatMap { passOn($0) }
  }

  // MARK: The kernel log

  /// Makes the kernel log the source.
  /// - Parameter next: the sequence number of the first record that was not delivered to the VM of the snapshot; nil: unknown,
  ///   or a boot.
  mutating func beginLog(next: UInt64?) {
    source = .log
    if nextSequence == nil { nextSequence = next }
  }

  /// Undoes `beginLog`: there is no log.
  mutating func abandonLog() { if source == .log { source = .console } }

  /// Takes a record of the kernel log.
  /// - Returns: the lines to pass on.
  mutating func take(_ record: KernelLogRecord) -> [Line] {
    guard source != .none, record.sequence >= nextSequence ?? 0 else { return [] }
    let isGap = record.sequence > nextSequence ?? 0
    nextSequence = record.sequence &+ 1
    // The console may have shown what was overwritten.
    var lines = isGap ? release { $0.key.microseconds < record.microseconds } : []
    newest = max(newest, record.microseconds)
    let stamp = KernelStamp.text(record.microseconds)
    for bytes in record.text.split(separator: 0x0a) {
      let text = ConsoleText.clean(bytes)
      let key = Key(microseconds: record.microseconds, text: Self.normal(text[...]))
      if recent.isFromConsole(key) { continue }
      if let index = held.firstIndex(where: { $0.key == key }) { held.removeFirst(index + 1) }
      recent.insert(key, isFromConsole: false)
      lines.append(
        Line(
          shown: "\(stamp) \(text)",
          microseconds: record.microseconds,
          isProgram: !record.isKernel
        )
      )
    }
    return lines
  }

  /// Notes that the log has delivered everything that was printed before the console's line `position`: what is still held
  /// back of that is not the kernel's.
  mutating func noteComplete(upTo position: Int) { held.removeAll { $0.position <= position } }

  /// Makes the console the source for good: the agent can deliver nothing more.
  mutating func endLog() -> [Line] {
    guard source != .none else { return [] }
    source = .consoleAfterLog
    return releaseHeld()
  }

  /// Ends both sources.
  mutating func stop() {
    source = .none
    held.removeAll()
  }

  /// The text as both sources have it.
  private static func normal(_ text: Substring) -> String {
    var bytes = text.utf8.drop { $0 == UInt8(ascii: " ") }
    while bytes.last == UInt8(ascii: " ") { bytes.removeLast() }
    return String(Substring(bytes))
  }

  // MARK: Recent lines

  /// The last lines that were passed on.
  private struct RecentKeys {
    private var ring: [Key] = []
    private var oldestIndex = 0
    private var fromConsole: [Key: Bool] = [:]
    private static let limit = 4096

    func contains(_ key: Key) -> Bool { fromConsole[key] != nil }
    func isFromConsole(_ key: Key) -> Bool { fromConsole[key] == true }

    /// The time of the oldest line that is remembered; nil if all are.
    var oldest: UInt64? { ring.count < Self.limit ? nil : ring[oldestIndex].microseconds }

    mutating func insert(_ key: Key, isFromConsole: Bool) {
      guard fromConsole.updateValue(isFromConsole, forKey: key) == nil else { return }
      if ring.count < Self.limit {
        ring.append(key)
      } else {
        fromConsole[ring[oldestIndex]] = nil
        ring[oldestIndex] = key
        oldestIndex = (oldestIndex + 1) % Self.limit
      }
    }
  }
}
