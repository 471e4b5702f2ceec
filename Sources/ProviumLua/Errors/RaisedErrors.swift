internal import CLuaBridge
import ProviumSystem

/// Which Swift error stands behind which Lua error.
///
/// Lua code gets plain strings, since that is what scripts search, print and compare; so the errors of late are
/// remembered by their text, and found again at the next entry's end, also when the script has put words around them.
struct RaisedErrors {
  private struct Record {
    let text: String
    let failure: LuaFailure
  }
  private static let capacity = 32
  private var records: [Record] = []
  /// The files whose lines may stand at the beginning of a message.
  var chunkNames: Set<String> = []
  /// The globals that a mistyped one may have meant.
  var globalNames: Set<String> = []

  let signalType = LuaObjectType<RaisedSignal>(name: "signal", methods: [:]) { "\($0.signal)" }

  /// What to raise in Lua for an error thrown by one of our functions.
  mutating func value(raising error: any Error, at location: LuaLocation?) -> LuaValue {
    var failure =
      error as? LuaFailure
      ?? LuaFailure(
        kind: .raised,
        message: "\(error)",
        location: location,
        payload: error
      )
    if let signal = failure.payload as? any LuaSignal {
      return signalType.value(RaisedSignal(signal, at: failure.location))
    }
    failure.location = failure.location ?? location
    if failure.kind == .deadline(own: true) { failure.kind = .deadline(own: false) }
    let isPositioned = (error as? LuaAssertion)?.isPositioned ?? true
    let text = isPositioned ? failure.description : failure.message
    if !isPositioned, let cause = remembered(in: text) { failure = cause }  // assert(pcall(…))
    records.append(Record(text: text, failure: failure))
    if records.count > Self.capacity { records.removeFirst() }
    return .text(text)
  }

  /// What an entry into Lua came to that did not end well.
  func failure(of outcome: clb_outcome, value: LuaValue?, interruptReason: String?) -> LuaFailure {
    let raisedAt = outcome.file.map { LuaLocation(file: String(cString: $0), line: Int(outcome.line)) }
    var failure: LuaFailure
    if outcome.stop == CLB_STOPPED_BY_DEADLINE {
      failure = LuaFailure(
        kind: .deadline(own: outcome.own_deadline),
        message: "time limit reached",
        location: raisedAt
      )
    } else if outcome.stop == CLB_STOPPED_BY_INTERRUPT {
      failure = LuaFailure(kind: .interrupted, message: interruptReason ?? "interrupted", location: raisedAt)
    } else {
      failure = self.failure(status: outcome.status, value: value, raisedAt: raisedAt)
    }
    failure.location = failure.location ?? raisedAt
    if failure.traceback.isEmpty, let traceback = outcome.traceback {
      failure.traceback = String(cString: traceback).split(separator: "\n").map(String.init)
    }
    return failure
  }

  private func failure(status: clb_status, value: LuaValue?, raisedAt: LuaLocation?) -> LuaFailure {
    if case .object(let object)? = value, let raised = object.instance as? RaisedSignal {
      return LuaFailure(
        kind: .raised,
        message: "\(raised.signal)",
        location: raised.location,
        payload: raised.signal
      )
    }
    guard case .string(let bytes)? = value else {
      if status == CLB_OUT_OF_MEMORY || value == nil { return .outOfMemory }
      let shown = value?.described() ?? "nil"
      return LuaFailure(kind: .raised, message: "error value: \(shown)", location: raisedAt)
    }
    let text = String(decoding: bytes, as: UTF8.self)
    let (location, message) = split(text)
    return remembered(in: text)
      ?? LuaFailure(
        kind: kind(of: status),
        message: message + hint(for: message),
        location: location ?? raisedAt
      )
  }

  /// ` (did you mean 'assert_eq'?)` behind `attempt to call a nil value (global 'asert_eq')`.
  private func hint(for message: String) -> String {
    let start = "attempt to call a nil value (global '"
    guard message.hasPrefix(start), message.hasSuffix("')") else { return "" }
    return NearestName.hint(
      for: String(message.dropFirst(start.count).dropLast(2)),
      among: globalNames.sorted()
    )
  }

  /// The failure that was raised as this text, or as a part of it; then with the whole text as its message.
  private func remembered(in text: String) -> LuaFailure? {
    if let record = records.last(where: { $0.text == text }) { return record.failure }
    guard let record = records.last(where: { !$0.text.isEmpty && text.contains($0.text) }) else { return nil }
    var failure = record.failure
    failure.message = split(text).1
    failure.traceback = []
    return failure
  }

  private func kind(of status: clb_status) -> LuaFailure.Kind {
    switch status {
    case CLB_SYNTAX_ERROR: .syntax
    case CLB_OUT_OF_MEMORY: .memory
    default: .raised
    }
  }

  /// `tests/a.lua:3: message` into place and message, if the place is in a script of this state. Raising an error
  /// again, and `coroutine.wrap`, put another place in front: the last one is where it began.
  func split(_ text: String) -> (LuaLocation?, String) {
    var (location, message): (LuaLocation?, String) = (nil, text)
    while let (place, rest) = splitOnce(message) { (location, message) = (place, rest) }
    return (location, message)
  }

  /// Lua shortens long paths; the place found has the whole one.
  private func splitOnce(_ text: String) -> (LuaLocation, String)? {
    for name in chunkNames {
      for shown in [name, Self.shortened(name)] where text.hasPrefix(shown + ":") {
        let rest = text.dropFirst(shown.count + 1)
        let digits = rest.prefix { $0.isASCII && $0.isNumber }
        if let line = Int(digits), rest.dropFirst(digits.count).hasPrefix(": ") {
          return (LuaLocation(file: name, line: line), String(rest.dropFirst(digits.count + 2)))
        }
      }
    }
    return nil
  }

  /// As `luaO_chunkid` does it: 59 bytes are kept, of longer paths the last 56 behind `...` (LUA_IDSIZE is 60).
  static func shortened(_ name: String) -> String {
    name.utf8.count <= 59 ? name : "..." + String(decoding: name.utf8.suffix(56), as: UTF8.self)
  }
}
