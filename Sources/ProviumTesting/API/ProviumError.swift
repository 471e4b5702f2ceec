import ProviumRunner
public import ProviumRuntime

/// An error of Provium: its code, what failed, why, the last operations on the VM, and the last lines of its console.
public typealias ProviumError = ProviumRuntime.ProviumError

extension ProviumError {
  /// A copy without control characters, which a guest may have printed: test runners write errors to terminals and XML.
  var harmless: ProviumError {
    ProviumError(
      code,
      XMLText.clean(message),
      cause: cause,
      operations: operations.map(XMLText.clean),
      console: console.map(XMLText.clean)
    )
  }
}
