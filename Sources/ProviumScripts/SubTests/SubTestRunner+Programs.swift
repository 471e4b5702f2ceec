import ProviumEvents
import ProviumRuntime

/// Results that programs in the guest print.
extension SubTestRunner {
  /// Records a result as a sub-test of what runs now, if the filter selects it.
  func record(
    _ test: ProgramSubTests.SubTest,
    named path: [String],
    duration: Double,
    at location: ScriptLocation
  ) {
    switch filter.decide(stack.path + path, stack.tags, false) {
    case .run, .skip: break
    // The program runs as a whole. A result that was not selected counts only in the verdict on the program.
    case .contain: guard test.outcome.isFailure else { return }
    case .leaveOut:
      stack.leaveOut()
      return
    }
    let result = stack.record(
      program: path,
      outcome: test.outcome,
      output: test.output,
      duration: duration,
      at: location
    )
    scope.events.send(.subTestEnded(file: scope.name, result: result))
  }
}
