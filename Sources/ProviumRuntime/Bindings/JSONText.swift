import FoundationEssentials

/// JSON (RFC 8259) as a tree that keeps what Lua tells apart: integers and floats, null, empty arrays.
enum JSONText: Decodable, Hashable, Sendable {
  case null
  case boolean(Bool)
  case integer(Int64)
  case number(Double)
  case string(String)
  case array([JSONText])
  case object([String: JSONText])

  /// Why a text is no JSON, and where.
  struct Failure: Error, CustomStringConvertible {
    let description: String
  }

  static func parse(_ bytes: [UInt8]) throws -> JSONText {
    do {
      return try JSONDecoder().decode(JSONText.self, from: Data(bytes))
    } catch DecodingError.dataCorrupted(let context) {
      let detail = (context.underlyingError as? any CustomDebugStringConvertible)?.debugDescription
      throw Failure(description: Self.place(detail ?? context.debugDescription, in: bytes))
    }
  }

  /// `… at line 1, column 6: '{"a":'`.
  private static func place(_ detail: String, in bytes: [UInt8]) -> String {
    let text = String(decoding: bytes.prefix(200), as: UTF8.self)
    return "\(detail): '\(text)\(bytes.count > 200 ? "…" : "")'"
  }

  init(from decoder: any Decoder) throws {
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
    } else if let value = try? container.decode([JSONText].self) {
      self = .array(value)
    } else {
      self = .object(try container.decode([String: JSONText].self))
    }
  }
}
