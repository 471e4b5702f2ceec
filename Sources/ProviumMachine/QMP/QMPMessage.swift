import FoundationEssentials

/// A JSON value of QMP, as far as it is of interest.
package enum QMPValue: Codable, Sendable, Hashable {
  case null
  case boolean(Bool)
  case integer(Int64)
  case number(Double)
  case string(String)
  case array([QMPValue])
  case object([String: QMPValue])

  package init(from decoder: any Decoder) throws {
    let container = try decoder.singleValueContainer()
    if container.decodeNil() {
      self = .null
    } else if let value = try? container.decode(Bool.self) {
      self = .boolean(value)
    } else if let value = try? container.decode(Int64.self) {
      self = .integer(value)
    } else if let value = try? container.decode(Double.self) {
      self = .number(value)
    } else if let value = try? container.decode(String.self) {
      self = .string(value)
    } else if let value = try? container.decode([QMPValue].self) {
      self = .array(value)
    } else {
      self = .object(try container.decode([String: QMPValue].self))
    }
  }

  package func encode(to encoder: any Encoder) throws {
    var container = encoder.singleValueContainer()
    switch self {
    case .null: try container.encodeNil()
    case .boolean(let value): try container.encode(value)
    case .integer(let value): try container.encode(value)
    case .number(let value): try container.encode(value)
    case .string(let value): try container.encode(value)
    case .array(let value): try container.encode(value)
    case .object(let value): try container.encode(value)
    }
  }

  package subscript(key: String) -> QMPValue? {
    if case .object(let members) = self { members[key] } else { nil }
  }
  package var text: String? {
    if case .string(let text) = self { text } else { nil }
  }
  /// Of an array; else none.
  package var elements: [QMPValue] {
    if case .array(let elements) = self { elements } else { [] }
  }
}

/// One line that QEMU sent.
enum QMPMessage {
  case greeting
  case reply(QMPValue)
  case failure(String)
  case event(QMPEvent)

  /// nil for what is no QMP.
  init?(line: some Sequence<UInt8>) {
    guard let value = try? JSONDecoder().decode(QMPValue.self, from: Data(line)) else { return nil }
    if value["QMP"] != nil {
      self = .greeting
    } else if let name = value["event"]?.text {
      self = .event(QMPEvent(name: name, data: value["data"] ?? .null))
    } else if let error = value["error"] {
      self = .failure(error["desc"]?.text ?? "no reason given")
    } else if let result = value["return"] {
      self = .reply(result)
    } else {
      return nil
    }
  }
}

/// Something that QEMU tells unasked: `STOP`, `GUEST_PANICKED`, `SHUTDOWN`.
package struct QMPEvent: Sendable, Hashable {
  package let name: String
  package let data: QMPValue
}

/// A QMP command, as the line that is sent.
enum QMPCommand {
  static func line(_ name: String, _ arguments: [String: QMPValue]) throws -> [UInt8] {
    var members: [String: QMPValue] = ["execute": .string(name)]
    if !arguments.isEmpty { members["arguments"] = .object(arguments) }
    return [UInt8](try JSONEncoder().encode(QMPValue.object(members))) + [0x0a]
  }
}
