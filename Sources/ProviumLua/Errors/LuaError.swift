/// A wrong use of one of Provium's functions by a script. The message names the function, the argument, the
/// given value, and the accepted ones.
package enum LuaError: Error, Sendable, Hashable, CustomStringConvertible {
  case misuse(String)

  package var description: String {
    switch self {
    case .misuse(let message): message
    }
  }
}
