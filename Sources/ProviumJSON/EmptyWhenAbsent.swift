/// A member that older writers may have left out. Reading an object without the member gives the empty value
/// (`""`, `[]`, `[:]`, `false`); writing always writes the member.
@propertyWrapper
package struct EmptyWhenAbsent<Value: EmptyValue & Codable & Sendable & Hashable>: Codable, Sendable, Hashable
{
  package var wrappedValue: Value
  package init(wrappedValue: Value) { self.wrappedValue = wrappedValue }

  package init(from decoder: any Decoder) throws {
    wrappedValue = try decoder.singleValueContainer().decode(Value.self)
  }

  package func encode(to encoder: any Encoder) throws {
    var container = encoder.singleValueContainer()
    try container.encode(wrappedValue)
  }
}

/// A member that is written only with a value other than the empty one, so that the other objects keep their form.
@propertyWrapper
package struct OmittedWhenEmpty<Value: EmptyValue & Codable & Sendable & Hashable>: Codable, Sendable,
  Hashable
{
  package var wrappedValue: Value
  package init(wrappedValue: Value) { self.wrappedValue = wrappedValue }

  package init(from decoder: any Decoder) throws {
    wrappedValue = try decoder.singleValueContainer().decode(Value.self)
  }

  package func encode(to encoder: any Encoder) throws {
    var container = encoder.singleValueContainer()
    try container.encode(wrappedValue)
  }
}

/// A type that the encoder may leave out.
protocol OmittableMember { var isOmitted: Bool { get } }

extension OmittedWhenEmpty: OmittableMember {
  var isOmitted: Bool { wrappedValue == Value() }
}

/// A type with an empty value, made by `init()`.
package protocol EmptyValue { init() }

extension String: EmptyValue {}
extension Bool: EmptyValue {}
extension Array: EmptyValue {}
extension Dictionary: EmptyValue {}

/// A type that the decoder can make for a member that is absent or null.
protocol DecodableWhenAbsent { static var whenAbsent: Self { get } }

extension OmittedWhenEmpty: DecodableWhenAbsent {
  static var whenAbsent: Self { Self(wrappedValue: Value()) }
}

extension EmptyWhenAbsent: DecodableWhenAbsent {
  static var whenAbsent: Self { Self(wrappedValue: Value()) }
}
