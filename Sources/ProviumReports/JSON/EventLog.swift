import ProviumEvents
import ProviumSystem

/// The events of a JSON-lines report.
package struct EventLog: Sendable {
  /// The file that the events were read from.
  package let path: String
  /// The events in order.
  package let events: [TimedEvent]
  /// Whether the last line is incomplete: the run was killed while it wrote. `events` has the lines before
  /// it.
  package let isTruncated: Bool

  /// Makes a log of events that were not read from a file.
  package init(path: String, events: [TimedEvent], isTruncated: Bool = false) {
    self.path = path
    self.events = events
    self.isTruncated = isTruncated
  }

  /// Reads a whole report. Passes over events that a newer Provium added.
  /// - Throws: `SystemError` when the file cannot be read, `ReportError` with the line that is not an event.
  package static func read(_ path: String) throws -> EventLog {
    try decode(Files.read(path), path: path)
  }

  /// Reads a report from memory. `path` is used in messages only.
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
        // Each line is written together with its end: only the last line can lack its end.
        if end == bytes.count { return EventLog(path: path, events: events, isTruncated: true) }
        throw ReportError("read the report", path, "line \(number) \(error)")
      }
    }
    return EventLog(path: path, events: events)
  }
}
