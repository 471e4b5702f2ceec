/// A request with an argument that cannot be right, refused before anything is sent.
///
/// The front end names the argument in the words of its own interface.
package struct InvalidArgument: Error, Hashable, Sendable, CustomStringConvertible {
  /// The argument of a request.
  package enum Parameter: String, Sendable, CaseIterable {
    case command, environment, workingDirectory, path, data, job
    case arguments, bufferIndex, buffer, structure
    case pointers, pointerBuffer, pointerOffset, pointerLength, pointerInput
    case mountSource, mountTarget, mountType, mountData
    case worker, nonce, seed, terminal, interface
  }

  package let parameter: Parameter
  /// The reason: the fault of the argument, and the accepted values.
  package let reason: String

  package init(_ parameter: Parameter, _ reason: String) {
    self.parameter = parameter
    self.reason = reason
  }

  package var description: String { "\(parameter.rawValue): \(reason)" }
}
