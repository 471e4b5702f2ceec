import ProviumAgentClient

/// A machine that did not come up: how far it came, why, and what its console showed last.
package struct BootFailure: Error, Sendable, CustomStringConvertible {
  package let machine: String
  package let stage: BootStage
  package let reason: String
  package let console: [String]

  package var description: String {
    var text = "\(machine) did not boot: \(reason) (\(stage.description))"
    if let line = console.last(where: { $0.contains("provium: ") && !$0.contains("provium: stage") }) {
      text += "\n\(line)"
    }
    return text
  }
}
