internal import CLuaBridge
internal import Glibc

/// An error of one of our functions on its way through Lua. The Lua side holds this object, so the failure is
/// known by identity when it leaves Lua, whatever its text is.
final class RaisedError {
  let failure: LuaFailure
  /// Whether the text begins with the place.
  let isPlaced: Bool

  /// - Parameters:
  ///   - error: what the function threw.
  ///   - L: the state or coroutine that called the function.
  init(_ error: any Error, in L: OpaquePointer) {
    let here = LuaLocation(runningIn: L)
    var failure =
      error as? LuaFailure ?? LuaFailure(kind: .raised, message: "\(error)", payload: error)
    if failure.location == nil {
      failure.location = here
      failure.traceback = Self.traceback(in: L)
    }
    // For callers outside, the deadline of an inner call is an outer one.
    if failure.kind == .deadline(own: true) { failure.kind = .deadline(own: false) }
    self.failure = failure
    isPlaced = failure.location != nil && (error as? LuaAssertion)?.isPositioned ?? true
  }

  /// The text of the error, as a script sees it.
  var text: String { isPlaced ? failure.description : failure.message }

  private static func traceback(in L: OpaquePointer) -> [String] {
    guard let text = clb_traceback(L) else { return [] }
    defer { free(text) }
    return lines(of: text)
  }

  /// The lines of a traceback that the bridge made.
  static func lines(of traceback: UnsafePointer<CChar>) -> [String] {
    String(cString: traceback).split(separator: "\n").map(String.init)
  }
}
