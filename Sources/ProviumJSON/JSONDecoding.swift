extension JSONValue {
  /// Reads a value of a `Decodable` type. Unknown members are passed over; a member of an optional type may
  /// be absent or null.
  /// - Throws: `JSONMismatch`, which names the member that is absent or has another kind of value.
  package func decode<Value: Decodable>(_ type: Value.Type = Value.self) throws(JSONMismatch) -> Value {
    try ValueDecoder.decode(type, from: self, nil)
  }

  /// Reads one case of a `Decodable` enumeration. `self` has the case's values, and the case is named
  /// elsewhere: the compiler's own coding of enumerations has the form `{"NAME": VALUES}`.
  /// - Throws: `JSONMismatch`.
  package func decode<Value: Decodable>(_ type: Value.Type, case name: String) throws(JSONMismatch) -> Value {
    try ValueDecoder.decode(type, from: .object([.init(name, self)]), CodingTrail(.wrapper, after: nil))
  }
}

private struct ValueDecoder: Decoder {
  let value: JSONValue
  let trail: CodingTrail?
  var codingPath: [any CodingKey] { CodingTrail.codingPath(trail) }
  var userInfo: [CodingUserInfoKey: Any] { [:] }

  static func decode<Value: Decodable>(_ type: Value.Type, from value: JSONValue, _ trail: CodingTrail?)
    throws(JSONMismatch) -> Value
  {
    do { return try Value(from: ValueDecoder(value: value, trail: trail)) } catch let error as JSONMismatch {
      throw error
    } catch let error as DecodingError { throw JSONMismatch(error, of: type, value, trail) } catch {
      throw JSONMismatch("\(error)")
    }
  }

  func container<Key: CodingKey>(keyedBy type: Key.Type) throws -> KeyedDecodingContainer<Key> {
    guard let members = value.members else { throw JSONMismatch(trail, lacks: "an object", found: value) }
    return KeyedDecodingContainer(ObjectDecodingContainer(value: value, members: members, trail: trail))
  }
  func unkeyedContainer() throws -> any UnkeyedDecodingContainer {
    guard let elements = value.array else { throw JSONMismatch(trail, lacks: "a list", found: value) }
    return ArrayDecodingContainer(elements: elements, trail: trail)
  }
  func singleValueContainer() -> any SingleValueDecodingContainer {
    SingleValueContainer(value: value, trail: trail)
  }
}

extension JSONMismatch {
  /// An error that the type itself raised, or the standard library for it.
  fileprivate init(_ error: DecodingError, of type: Any.Type, _ value: JSONValue, _ trail: CodingTrail?) {
    if type is any RawRepresentable.Type, case .dataCorrupted = error {
      self.init("has the unknown value \(value.text) as \"\(CodingTrail.text(trail))\"")
      return
    }
    let context: DecodingError.Context? =
      switch error {
      case .dataCorrupted(let context), .keyNotFound(_, let context), .typeMismatch(_, let context),
        .valueNotFound(_, let context):
        context
      @unknown default: nil
      }
    self.init(context?.debugDescription ?? "\(error)")
  }
}

private struct ObjectDecodingContainer<Key: CodingKey>: KeyedDecodingContainerProtocol {
  let value: JSONValue
  let members: [JSONValue.Member]
  let trail: CodingTrail?
  var codingPath: [any CodingKey] { CodingTrail.codingPath(trail) }
  var allKeys: [Key] { members.compactMap { Key(stringValue: $0.key) } }

  private func find(_ key: Key) -> JSONValue? {
    let name = key.stringValue
    return members.first { $0.key == name }?.value
  }
  private func trail(to key: Key) -> CodingTrail { CodingTrail(.member(key.stringValue), after: trail) }

  private func require<Result>(_ key: Key, _ kind: String, _ read: (JSONValue) -> Result?) throws -> Result {
    let found = find(key)
    guard let found, let result = read(found) else {
      throw JSONMismatch(trail(to: key), lacks: kind, found: found)
    }
    return result
  }

  func contains(_ key: Key) -> Bool { find(key) != nil }
  func decodeNil(forKey key: Key) -> Bool { find(key) ?? .null == .null }
  func decode(_ type: Bool.Type, forKey key: Key) throws -> Bool { try require(key, "a boolean", \.bool) }
  func decode(_ type: String.Type, forKey key: Key) throws -> String {
    try require(key, "a string", \.string)
  }
  func decode(_ type: Double.Type, forKey key: Key) throws -> Double {
    try require(key, "a number", \.double)
  }
  func decode(_ type: Int.Type, forKey key: Key) throws -> Int { try require(key, "a whole number", \.int) }
  func decode(_ type: UInt64.Type, forKey key: Key) throws -> UInt64 {
    try require(key, "a whole number from 0", \.uint64)
  }
  func decode<Value: Decodable>(_ type: Value.Type, forKey key: Key) throws -> Value {
    if type is any JSONFlattened.Type { return try ValueDecoder.decode(type, from: value, trail) }
    guard let found = find(key), found != .null else {
      if let type = type as? any DecodableWhenAbsent.Type, let value = type.whenAbsent as? Value {
        return value
      }
      throw JSONMismatch(trail(to: key), lacks: "", found: nil)
    }
    return try ValueDecoder.decode(type, from: found, trail(to: key))
  }

  func nestedContainer<Nested: CodingKey>(keyedBy type: Nested.Type, forKey key: Key) throws
    -> KeyedDecodingContainer<Nested>
  { try nested(key).container(keyedBy: type) }
  func nestedUnkeyedContainer(forKey key: Key) throws -> any UnkeyedDecodingContainer {
    try nested(key).unkeyedContainer()
  }
  func superDecoder() throws -> any Decoder { ValueDecoder(value: self["super"], trail: trail) }
  func superDecoder(forKey key: Key) throws -> any Decoder { nested(key) }

  private subscript(name: String) -> JSONValue { members.first { $0.key == name }?.value ?? .null }
  private func nested(_ key: Key) -> ValueDecoder {
    ValueDecoder(value: find(key) ?? .null, trail: trail(to: key))
  }
}

private struct ArrayDecodingContainer: UnkeyedDecodingContainer {
  let elements: [JSONValue]
  let trail: CodingTrail?
  private(set) var currentIndex = 0
  var codingPath: [any CodingKey] { CodingTrail.codingPath(trail) }
  var count: Int? { elements.count }
  var isAtEnd: Bool { currentIndex >= elements.count }

  init(elements: [JSONValue], trail: CodingTrail?) {
    self.elements = elements
    self.trail = trail
  }

  private mutating func next() throws -> ValueDecoder {
    let trail = CodingTrail(.element(currentIndex), after: trail)
    guard !isAtEnd else { throw JSONMismatch(trail, lacks: "a value", found: nil) }
    defer { currentIndex += 1 }
    return ValueDecoder(value: elements[currentIndex], trail: trail)
  }

  mutating func decodeNil() throws -> Bool {
    guard !isAtEnd, elements[currentIndex] == .null else { return false }
    currentIndex += 1
    return true
  }
  mutating func decode(_ type: String.Type) throws -> String {
    try next().singleValueContainer().decode(type)
  }
  mutating func decode<Value: Decodable>(_ type: Value.Type) throws -> Value {
    let next = try next()
    return try ValueDecoder.decode(type, from: next.value, next.trail)
  }
  mutating func nestedContainer<Nested: CodingKey>(keyedBy type: Nested.Type) throws
    -> KeyedDecodingContainer<Nested>
  { try next().container(keyedBy: type) }
  mutating func nestedUnkeyedContainer() throws -> any UnkeyedDecodingContainer {
    try next().unkeyedContainer()
  }
  mutating func superDecoder() throws -> any Decoder { try next() }
}

private struct SingleValueContainer: SingleValueDecodingContainer {
  let value: JSONValue
  let trail: CodingTrail?
  var codingPath: [any CodingKey] { CodingTrail.codingPath(trail) }

  private func require<Result>(_ kind: String, _ read: (JSONValue) -> Result?) throws -> Result {
    guard let result = read(value) else { throw JSONMismatch(trail, lacks: kind, found: value) }
    return result
  }
  private func whole<Result: FixedWidthInteger>() throws -> Result {
    try require("a whole number from \(Result.min) to \(Result.max)") { $0.whole() }
  }

  func decodeNil() -> Bool { value == .null }
  func decode(_ type: Bool.Type) throws -> Bool { try require("a boolean", \.bool) }
  func decode(_ type: String.Type) throws -> String { try require("a string", \.string) }
  func decode(_ type: Double.Type) throws -> Double { try require("a number", \.double) }
  func decode(_ type: Float.Type) throws -> Float { try require("a number") { $0.double.map(Float.init) } }
  func decode(_ type: Int.Type) throws -> Int { try whole() }
  func decode(_ type: Int8.Type) throws -> Int8 { try whole() }
  func decode(_ type: Int16.Type) throws -> Int16 { try whole() }
  func decode(_ type: Int32.Type) throws -> Int32 { try whole() }
  func decode(_ type: Int64.Type) throws -> Int64 { try whole() }
  func decode(_ type: UInt.Type) throws -> UInt { try whole() }
  func decode(_ type: UInt8.Type) throws -> UInt8 { try whole() }
  func decode(_ type: UInt16.Type) throws -> UInt16 { try whole() }
  func decode(_ type: UInt32.Type) throws -> UInt32 { try whole() }
  func decode(_ type: UInt64.Type) throws -> UInt64 { try whole() }
  func decode<Value: Decodable>(_ type: Value.Type) throws -> Value {
    try ValueDecoder.decode(type, from: value, trail)
  }
}
