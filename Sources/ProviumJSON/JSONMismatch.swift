/// Why a JSON value is not a value of the Swift type that was asked for.
package struct JSONMismatch: Error, Sendable, Hashable, CustomStringConvertible {
  /// The sentence's end: `lacks "failure.kind", a string`.
  package let description: String

  package init(_ description: String) { self.description = description }

  /// `lacks "t", a number`, or `has no number as "t"`.
  init(_ path: CodingTrail?, lacks kind: String, found: JSONValue?) {
    let name = CodingTrail.text(path)
    switch found {
    case nil, .null: self.init("lacks \"\(name)\"" + (kind.isEmpty ? "" : ", \(kind)"))
    case let found?: self.init("has \(found.kind)\(name.isEmpty ? "" : " as \"\(name)\"") instead of \(kind)")
    }
  }
}

/// The members and elements that lead to a value. A linked list: nearly all of them are never looked at.
final class CodingTrail: Sendable {
  enum Step: Sendable {
    case member(String)
    case element(Int)
    /// The object that `decode(_:case:)` puts around a value. The step into that object is not part of the
    /// value's path.
    case wrapper
  }
  private let step: Step
  private let parent: CodingTrail?

  init(_ step: Step, after parent: CodingTrail?) {
    self.step = step
    self.parent = parent
  }

  private static func steps(_ trail: CodingTrail?) -> [Step] {
    let steps = sequence(first: trail) { $0?.parent }.prefix { $0 != nil }.compactMap { $0?.step }.reversed()
    if case .wrapper = steps.first { return Array(steps.dropFirst(2)) }
    return Array(steps)
  }

  /// `tests[3].failure.kind`; empty for a whole text.
  static func text(_ trail: CodingTrail?) -> String {
    steps(trail).reduce(into: "") { text, step in
      switch step {
      case .member(let name): text += text.isEmpty ? name : ".\(name)"
      case .element(let index): text += "[\(index)]"
      case .wrapper: break
      }
    }
  }

  static func codingPath(_ trail: CodingTrail?) -> [any CodingKey] {
    steps(trail).compactMap { step in
      switch step {
      case .member(let name): JSONKey(stringValue: name)
      case .element(let index): JSONKey(intValue: index)
      case .wrapper: nil
      }
    }
  }
}

/// A coding key of any name or index.
struct JSONKey: CodingKey {
  let stringValue: String
  let intValue: Int?

  init(stringValue: String) {
    self.stringValue = stringValue
    intValue = nil
  }
  init(intValue: Int) {
    stringValue = "\(intValue)"
    self.intValue = intValue
  }
}

extension JSONValue {
  /// `a string`: for messages.
  var kind: String {
    switch self {
    case .null: "null"
    case .bool: "a boolean"
    case .integer, .unsigned: "a whole number"
    case .number: "a number"
    case .string: "a string"
    case .array: "a list"
    case .object: "an object"
    }
  }
}
