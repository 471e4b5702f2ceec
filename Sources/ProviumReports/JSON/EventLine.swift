package import ProviumEvents
import ProviumJSON
import ProviumSystem

/// One event as one line of JSON, as `Docs/Events.md` describes. Both directions are pure.
///
/// `RunEvent` is encoded as `{"file_started": {"file": …}}`; in a line the name is a member beside the
/// event's own: `{"v":1,"t":0.123,"event":"file_started","file":…}`.
package enum EventLine {
  /// The version of the format. It rises when a reader of older lines would misread newer ones; new events
  /// and new members do not raise it.
  package static let version = 1

  /// Microseconds are enough for times; more digits are noise.
  private static let encoding = JSONEncoding(decimals: ["duration": 6, "waited": 6])

  /// The line, without its end.
  /// - Parameter time: in seconds since the run began.
  /// - Throws: nothing for the events there are: each of them has an encoding.
  package static func text(_ event: RunEvent, at time: Double) throws -> String {
    String(decoding: try bytes(event, at: time), as: UTF8.self)
  }

  /// The line as UTF-8, without its end.
  static func bytes(_ event: RunEvent, at time: Double) throws -> [UInt8] {
    guard let named = try encoding.value(of: event).members?.first else {
      throw EventFault("has no encoding: \(event)")
    }
    let members: [JSONValue.Member] = [
      .init("v", .integer(Int64(version))), .init("t", .number(JSONEncoding.rounded(time, places: 6))),
      .init("event", .string(named.key)),
    ]
    let line = JSONValue.object(members + (named.value.members ?? []))
    let bytes = line.bytes
    // The escapes of `PathText` contain this byte. Nearly no line has one.
    return bytes.contains(0xF4) ? withPaths(of: line, PathText.plain).bytes : bytes
  }

  /// Reads a line.
  /// - Returns: nil for an event that this version does not know.
  /// - Throws: `EventFault`.
  package static func decode(_ bytes: some Sequence<UInt8>) throws(EventFault) -> TimedEvent? {
    let value: JSONValue
    do { value = try JSONParser.parse(bytes) } catch { throw EventFault("is not JSON: \(error)") }
    do {
      let found = try value.decode(Version.self).v
      guard found == version else {
        throw EventFault("is of version \(found) of the format; this Provium reads version \(version)")
      }
      let head = try value.decode(Head.self)
      guard RunEvent.CodingKeys(stringValue: head.event) != nil else { return nil }
      let line = bytes.contains { $0 >= 0x80 } ? withPaths(of: value, PathText.canonical) : value
      let event = try line.decode(RunEvent.self, case: head.event)
      return TimedEvent(time: head.t, event: event)
    } catch let error as EventFault { throw error } catch { throw EventFault("\(error)") }
  }

  /// The members that are paths, or lists of paths.
  private static let pathMembers: Set<String> = [
    "file", "files", "suite", "part", "retried", "log", "run_directory",
  ]

  /// Returns the line with other paths: a line has the bytes of a path, events have the form of `PathText`.
  private static func withPaths(of value: JSONValue, _ change: (String) -> String) -> JSONValue {
    switch value {
    case .array(let values): .array(values.map { withPaths(of: $0, change) })
    case .object(let members):
      .object(
        members.map { member in
          switch member.value {
          case .string(let path) where pathMembers.contains(member.key):
            .init(member.key, .string(change(path)))
          case .array(let paths) where pathMembers.contains(member.key):
            .init(member.key, .array(paths.map { $0.string.map { .string(change($0)) } ?? $0 }))
          default: .init(member.key, withPaths(of: member.value, change))
          }
        }
      )
    default: value
    }
  }

  /// Read first: a line of another version may lack the rest.
  private struct Version: Decodable { let v: Int }
  /// The other members of every line.
  private struct Head: Decodable {
    let event: String
    let t: Double
  }
}

/// Why a line is not an event: `lacks "t", a number`.
package struct EventFault: Error, CustomStringConvertible {
  package let description: String
  init(_ description: String) { self.description = description }
}
