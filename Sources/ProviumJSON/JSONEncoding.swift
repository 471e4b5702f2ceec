/// Makes JSON values of `Encodable` ones.
package struct JSONEncoding: Sendable {
  /// The decimal places that are kept of floating-point members with these names. Other numbers are written
  /// in full.
  package var decimals: [String: Int]
  /// Whether an optional member that is nil is written, as `null`. Readers then see which members there are.
  package var writesNil: Bool

  package init(decimals: [String: Int] = [:], writesNil: Bool = true) {
    self.decimals = decimals
    self.writesNil = writesNil
  }

  /// The JSON value of `value`. Members keep the order in which they are encoded; those of dictionaries are
  /// sorted.
  /// - Throws: what `value` throws.
  package func value(of value: some Encodable) throws -> JSONValue {
    try ValueEncoder.value(of: value, in: self)
  }

  /// `value` with at most `places` decimals. Values of 10⁹ and more have no exact decimals to keep, and stay
  /// as they are.
  package static func rounded(_ value: Double, places: Int) -> Double {
    var scale = 1.0
    for _ in 0..<places { scale *= 10 }
    return abs(value) < 1e9 ? (value * scale).rounded() / scale : value
  }
}

/// A value while it is encoded. Containers fill it in; `value` is asked for when the encoding has ended.
private final class PartialValue {
  /// An object's members, some of them not complete yet.
  enum Content {
    case empty
    case value(JSONValue)
    case members([(key: String, value: PartialValue?, complete: JSONValue)])
    case elements([PartialValue])
  }
  var content = Content.empty

  init(_ value: JSONValue? = nil) { if let value { content = .value(value) } }

  var value: JSONValue {
    switch content {
    // A type that encodes nothing is an empty object.
    case .empty: .object([JSONValue.Member]())
    case .value(let value): value
    case .members(let members): .object(members.map { .init($0.key, $0.value?.value ?? $0.complete) })
    case .elements(let elements): .array(elements.map(\.value))
    }
  }

  func becomeObject() { if case .empty = content { content = .members([]) } }
  func becomeArray() { if case .empty = content { content = .elements([]) } }

  func add(_ key: String, _ value: JSONValue) { add(key, nil, value) }
  func add(_ key: String, _ value: PartialValue) { add(key, value, .null) }

  private func add(_ key: String, _ value: PartialValue?, _ complete: JSONValue) {
    guard case .members(var members) = content else { return }
    content = .empty
    members.append((key, value, complete))
    content = .members(members)
  }

  func add(_ value: PartialValue) {
    guard case .elements(var elements) = content else { return }
    content = .empty
    elements.append(value)
    content = .elements(elements)
  }

  var count: Int { if case .elements(let elements) = content { elements.count } else { 0 } }
}

private struct ValueEncoder: Encoder {
  let options: JSONEncoding
  let target: PartialValue
  var codingPath: [any CodingKey] { [] }
  var userInfo: [CodingUserInfoKey: Any] { [:] }

  static func value<Value: Encodable>(of value: Value, in options: JSONEncoding) throws -> JSONValue {
    // Most members are of these types: they need no container.
    if let strings = value as? [String] { return .array(strings.map { .string($0) }) }
    if let dictionary = value as? any StringKeyedDictionary { return try dictionary.object(options) }
    let encoder = ValueEncoder(options: options, target: PartialValue())
    try value.encode(to: encoder)
    return encoder.target.value
  }

  func container<Key: CodingKey>(keyedBy type: Key.Type) -> KeyedEncodingContainer<Key> {
    target.becomeObject()
    return KeyedEncodingContainer(ObjectEncodingContainer(options: options, target: target))
  }
  func unkeyedContainer() -> any UnkeyedEncodingContainer {
    target.becomeArray()
    return ArrayEncodingContainer(options: options, target: target)
  }
  func singleValueContainer() -> any SingleValueEncodingContainer {
    SingleValueContainer(options: options, target: target)
  }
}

/// A dictionary whose keys are names of members.
private protocol StringKeyedDictionary {
  func object(_ options: JSONEncoding) throws -> JSONValue
}
extension Dictionary: StringKeyedDictionary where Key == String, Value: Encodable {
  fileprivate func object(_ options: JSONEncoding) throws -> JSONValue {
    .object(try sorted { $0.key < $1.key }.map { .init($0.key, try options.value(of: $0.value)) })
  }
}

private struct ObjectEncodingContainer<Key: CodingKey>: KeyedEncodingContainerProtocol {
  let options: JSONEncoding
  let target: PartialValue
  var codingPath: [any CodingKey] { [] }

  func encodeNil(forKey key: Key) { target.add(key.stringValue, .null) }
  func encode(_ value: Bool, forKey key: Key) { target.add(key.stringValue, .bool(value)) }
  func encode(_ value: String, forKey key: Key) { target.add(key.stringValue, .string(value)) }
  func encode(_ value: Double, forKey key: Key) {
    let places = options.decimals[key.stringValue]
    target.add(key.stringValue, .number(places.map { JSONEncoding.rounded(value, places: $0) } ?? value))
  }
  func encode(_ value: Int, forKey key: Key) { target.add(key.stringValue, .integer(Int64(value))) }
  func encode(_ value: UInt64, forKey key: Key) { target.add(key.stringValue, .unsigned(value)) }
  func encode<Value: Encodable>(_ value: Value, forKey key: Key) throws {
    if let member = value as? any OmittableMember, member.isOmitted { return }
    if value is any JSONFlattened {
      try value.encode(to: ValueEncoder(options: options, target: target))
    } else {
      target.add(key.stringValue, try ValueEncoder.value(of: value, in: options))
    }
  }

  // MARK: Optional members

  func encodeIfPresent(_ value: Bool?, forKey key: Key) throws { try encode(optional: value, key) }
  func encodeIfPresent(_ value: String?, forKey key: Key) throws { try encode(optional: value, key) }
  func encodeIfPresent(_ value: Double?, forKey key: Key) throws {
    if let value { encode(value, forKey: key) } else { omit(key) }
  }
  func encodeIfPresent(_ value: Int?, forKey key: Key) throws { try encode(optional: value, key) }
  func encodeIfPresent(_ value: UInt64?, forKey key: Key) throws { try encode(optional: value, key) }
  func encodeIfPresent<Value: Encodable>(_ value: Value?, forKey key: Key) throws {
    try encode(optional: value, key)
  }

  private func encode<Value: Encodable>(optional value: Value?, _ key: Key) throws {
    if let value { try encode(value, forKey: key) } else { omit(key) }
  }
  private func omit(_ key: Key) { if options.writesNil { encodeNil(forKey: key) } }

  // MARK: Nested containers

  func nestedContainer<Nested: CodingKey>(keyedBy type: Nested.Type, forKey key: Key)
    -> KeyedEncodingContainer<Nested>
  { nested(key).container(keyedBy: type) }
  func nestedUnkeyedContainer(forKey key: Key) -> any UnkeyedEncodingContainer {
    nested(key).unkeyedContainer()
  }
  func superEncoder() -> any Encoder { nested("super") }
  func superEncoder(forKey key: Key) -> any Encoder { nested(key) }

  private func nested(_ key: Key) -> ValueEncoder { nested(key.stringValue) }
  private func nested(_ key: String) -> ValueEncoder {
    let value = PartialValue()
    target.add(key, value)
    return ValueEncoder(options: options, target: value)
  }
}

private struct ArrayEncodingContainer: UnkeyedEncodingContainer {
  let options: JSONEncoding
  let target: PartialValue
  var codingPath: [any CodingKey] { [] }
  var count: Int { target.count }

  func encodeNil() { target.add(PartialValue(.null)) }
  func encode<Value: Encodable>(_ value: Value) throws {
    target.add(PartialValue(try ValueEncoder.value(of: value, in: options)))
  }
  func nestedContainer<Nested: CodingKey>(keyedBy type: Nested.Type) -> KeyedEncodingContainer<Nested> {
    nested().container(keyedBy: type)
  }
  func nestedUnkeyedContainer() -> any UnkeyedEncodingContainer { nested().unkeyedContainer() }
  func superEncoder() -> any Encoder { nested() }

  private func nested() -> ValueEncoder {
    let value = PartialValue()
    target.add(value)
    return ValueEncoder(options: options, target: value)
  }
}

private struct SingleValueContainer: SingleValueEncodingContainer {
  let options: JSONEncoding
  let target: PartialValue
  var codingPath: [any CodingKey] { [] }

  func encodeNil() { target.content = .value(.null) }
  func encode(_ value: Bool) { target.content = .value(.bool(value)) }
  func encode(_ value: String) { target.content = .value(.string(value)) }
  func encode(_ value: Double) { target.content = .value(.number(value)) }
  func encode(_ value: Float) { target.content = .value(.number(Double(value))) }
  func encode(_ value: Int) { signed(value) }
  func encode(_ value: Int8) { signed(value) }
  func encode(_ value: Int16) { signed(value) }
  func encode(_ value: Int32) { signed(value) }
  func encode(_ value: Int64) { signed(value) }
  func encode(_ value: UInt) { unsigned(value) }
  func encode(_ value: UInt8) { unsigned(value) }
  func encode(_ value: UInt16) { unsigned(value) }
  func encode(_ value: UInt32) { unsigned(value) }
  func encode(_ value: UInt64) { unsigned(value) }
  func encode<Value: Encodable>(_ value: Value) throws {
    target.content = .value(try ValueEncoder.value(of: value, in: options))
  }

  private func signed(_ value: some BinaryInteger) { target.content = .value(.integer(Int64(value))) }
  private func unsigned(_ value: some BinaryInteger) { target.content = .value(.unsigned(UInt64(value))) }
}
