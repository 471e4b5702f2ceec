internal import CLuaBridge
import ProviumSystem

/// Makes a `LuaFailure` of a failed entry into Lua. Belongs to one state.
struct FailureReader {
  /// Finds the place at the beginning of a message.
  var places = MessagePlaces()
  /// The globals that a mistyped one may have meant.
  var globalNames: Set<String> = []

  /// - Parameters:
  ///   - value: the error value; errors of ours are there as their text.
  ///   - instance: our object that the error value represents, if it is one.
  func failure(
    of outcome: clb_outcome,
    value: LuaValue?,
    instance: AnyObject?,
    interruptReason: String?
  ) -> LuaFailure {
    let raisedAt = outcome.file.map { LuaLocation(file: String(cString: $0), line: Int(outcome.line)) }
    var failure: LuaFailure
    if outcome.stop == CLB_STOPPED_BY_DEADLINE {
      failure = LuaFailure(kind: .deadline(own: outcome.own_deadline), message: "time limit reached")
    } else if outcome.stop == CLB_STOPPED_BY_INTERRUPT {
      failure = LuaFailure(kind: .interrupted, message: interruptReason ?? "interrupted")
    } else if let raised = instance as? RaisedError {
      failure = raised.failure
      if outcome.is_quoting { failure.message = places.split(value?.text ?? "").message }
    } else if let raised = instance as? RaisedSignal {
      failure = LuaFailure(raised)
    } else {
      failure = self.failure(status: outcome.status, value: value)
    }
    failure.location = failure.location ?? raisedAt
    if failure.traceback.isEmpty, let traceback = outcome.traceback {
      failure.traceback = RaisedError.lines(of: traceback)
    }
    return failure
  }

  /// Makes the failure of an error value of Lua or of the script.
  private func failure(status: clb_status, value: LuaValue?) -> LuaFailure {
    guard case .string(let bytes)? = value else {
      if status == CLB_OUT_OF_MEMORY || value == nil { return .outOfMemory }
      return LuaFailure(kind: .raised, message: "error value: \(value?.described() ?? "nil")")
    }
    let (location, message) = places.split(String(decoding: bytes, as: UTF8.self))
    let hint = MissingNameHint.text(for: message, globals: globalNames)
    return LuaFailure(kind: kind(of: status), message: message + hint, location: location)
  }

  private func kind(of status: clb_status) -> LuaFailure.Kind {
    switch status {
    case CLB_SYNTAX_ERROR: .syntax
    case CLB_OUT_OF_MEMORY: .memory
    default: .raised
    }
  }
}
