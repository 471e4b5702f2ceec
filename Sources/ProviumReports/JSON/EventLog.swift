import ProviumEvents
import ProviumSystem

/// The events of a JSON-lines report, read back.
package struct EventLog: Sendable {
  /// Where it was read from.
  package let path: String
  /// In order.
  package let events: [TimedEvent]
  /// The last line broke off: the run was killed while it wrote. What stood before it is here.
  package let isTruncated: Bool

  /// A log that was not read from a file.
  package init(path: String, events: [TimedEvent], isTruncated: Bool = false) {
    self.path = path
    self.events = events
    self.isTruncated = isTruncated
  }

  /// Reads a whole report. Events that a newer Provium added are passed over.
  /// - Throws: `SystemError` when it cannot be read, `ReportError` naming the line that is no event.
  package static func read(_ path: String) throws -> EventLog {
    try decode(Files.read(path), path: path)
  }

  /// As `read`, of bytes that are at hand; `path` is for messages.
  package static func decode(_ bytes: [UInt8], path: String) throws -> EventLog {
    var events: [TimedEvent] = []
    var start = 0
    var number = 0
    while start < bytes.count {
      let end = bytes[start...].firstIndex(of: 0x0A) ?? bytes.count
      defer { start = end + 1 }
      number += 1
      let line = bytes[start..<end]
      if line.allSatisfy({ $0 == 0x20 || $0 == 0x0D }) { continue }
      do {
        if let event = try EventLine.decode(line) { events.append(event) }
      } catch {
        // Each line is written with its end in one call: only the last can lack it.
        if end == bytes.count { return EventLog(path: path, events: events, isTruncated: true) }
        throw ReportError("read the report", path, "line \(number) \(error)")
      }
    }
    return EventLog(path: path, events: events)
  }
}
