package import ProviumEvents
package import ProviumKTAP
import ProviumSystem

/// Turns the results of one program into results of sub-tests. Names are unique and of limited length.
package struct ProgramSubTests {
  /// The result of one sub-test of a program.
  package struct SubTest {
    /// From the outermost test of the program inwards.
    package let path: [String]
    package let outcome: Outcome
    /// Everything that the program printed before the result.
    package let output: String

    package init(path: [String], outcome: Outcome, output: String) {
      self.path = path
      self.outcome = outcome
      self.output = output
    }
  }

  /// Characters of one name. The parser allows names of some kilobytes.
  private static let nameLimit = 200
  /// Lines of a failure's message; `output` has all lines.
  private static let messageLines = 6
  /// Names of failed inner tests in a message.
  private static let shownNames = 8

  /// The names of the failed tests by the path of the test around them.
  private var failed: [[String]: [String]] = [:]
  /// Where the program was started, for failures.
  private let location: ScriptLocation

  package init(at location: ScriptLocation) { self.location = location }

  package mutating func subTest(_ result: KTAPResult) -> SubTest {
    let path = result.path.map(Self.shortened)
    let outcome = outcome(of: result, path: path)
    if outcome.isFailure, let name = path.last { failed[path.dropLast(), default: []].append(name) }
    return SubTest(
      path: path,
      outcome: outcome,
      output: result.diagnostics.isEmpty ? "" : result.diagnostics + "\n"
    )
  }

  private func outcome(of result: KTAPResult, path: [String]) -> Outcome {
    switch result.outcome {
    case .passed: .passed
    case .skipped(let reason): .skipped(reason: reason)
    case .todo(let reason): .todo(reason: reason)
    case .timedOut(let reason):
      .failed(
        Failure(
          kind: .timeout,
          message: reason.isEmpty ? "timed out" : "timed out: \(reason)",
          location: location
        )
      )
    case .failed:
      if let inner = failed[path] {
        .failed(Failure(kind: .inner, message: Self.innerMessage(inner), location: location))
      } else {
        .failed(
          Failure(
            kind: .assertion,
            message: Self.message(result.diagnostics, of: result.path.last ?? ""),
            location: location
          )
        )
      }
    }
  }

  private static func innerMessage(_ names: [String]) -> String {
    let shown = names.prefix(shownNames).joined(separator: ", ")
    let rest = names.count - shownNames
    return "inner tests failed: \(shown)\(rest > 0 ? ", and \(rest) more" : "")"
  }

  /// The last lines that the program printed before the result, without the marks of comments. Where some begin with the test's name, as
  /// KUnit prints them, other output before these does not count.
  private static func message(_ diagnostics: String, of name: String) -> String {
    let all = diagnostics.split(separator: "\n")
    let start = all.firstIndex { $0.drop { $0 == " " || $0 == "\t" }.hasPrefix("# \(name): ") }
    let lines = all[(start ?? all.startIndex)...].map { line in
      String(line.drop { $0 == "#" || $0 == " " || $0 == "\t" }).trimmed
    }
    .filter { !$0.isEmpty }
    return lines.isEmpty ? "the program printed 'not ok'" : lines.suffix(messageLines).joined(separator: "\n")
  }

  private static func shortened(_ name: String) -> String {
    name.count <= nameLimit ? name : "\(name.prefix(nameLimit - 1))…"
  }
}
