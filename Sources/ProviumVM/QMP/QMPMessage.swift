package import ProviumJSON

/// One line that QEMU sent.
enum QMPMessage {
  case greeting
  case reply(JSONValue)
  case failure(String)
  case event(QMPEvent)

  /// Returns nil for a line that is not QMP.
  init?(line: some Sequence<UInt8>) {
    guard let value = try? JSONParser.parse(line) else { return nil }
    if value["QMP"] != nil {
      self = .greeting
    } else if let name = value["event"]?.string {
      self = .event(QMPEvent(name: name, data: value["data"] ?? .null))
    } else if let error = value["error"] {
      self = .failure(error["desc"]?.string ?? "no reason given")
    } else if let result = value["return"] {
      self = .reply(result)
    } else {
      return nil
    }
  }
}

/// A message that QEMU sends without a command: `STOP`, `GUEST_PANICKED`, `SHUTDOWN`.
package struct QMPEvent: Sendable, Hashable {
  package let name: String
  package let data: JSONValue
}

/// A QMP command, as the line that is sent.
enum QMPCommand {
  static func line(_ name: String, members arguments: [JSONValue.Member]) -> [UInt8] {
    var members: [JSONValue.Member] = [.init("execute", .string(name))]
    if !arguments.isEmpty { members.append(.init("arguments", .object(arguments))) }
    return Array(JSONValue.object(members).text.utf8) + [0x0a]
  }
}
