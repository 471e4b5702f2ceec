import FoundationEssentials
import ProviumSystem
package import ProviumVM

/// A VM that was kept when its test failed: `kept.json` in its folder.
package struct KeptFailure: Sendable, Codable {
  static let format = 2
  static let fileName = "kept.json"

  var format = KeptFailure.format
  /// Names it in `provium open ID`: eight hexadecimal digits.
  package var id: String
  /// The test file, and the names of the sub-test from the outermost one inwards; empty: outside sub-tests.
  package var file: String
  package var path: [String]
  /// The failure's summary.
  package var message: String
  /// `vm1 (default)`.
  package var machine: String
  package var profile: String
  package var condition: KeptCondition
  /// Why the VM died, in words; nil: it lived.
  package var death: String?
  /// Seconds since 1970.
  package var keptAt: Double
  /// Seconds that saving took.
  package var duration: Double
  /// The kernel that was named for the profile; nil: the distribution's.
  package var kernel: String?
  package var snapshot: Snapshot
  /// The state at the start of the sub-test, or of the fixture; nil: it is not known.
  package var before: Snapshot?

  static let beforeName = "before"

  /// The same VM as it was before its test.
  /// - Throws: `KeptFailureError` if that is not known.
  package func atStart() throws -> KeptFailure {
    guard let before else {
      throw KeptFailureError.notPossible(
        id: id,
        reason: "its state before the test is not known: only fresh sub-tests and VMs of fixtures have one"
      )
    }
    var failure = self
    failure.snapshot = before
    failure.condition = .running
    failure.death = nil
    return failure
  }

  /// `tests/token.lua / outer / inner`
  package var test: String { ([file] + path).joined(separator: " / ") }
  /// `vm1 (default) has no agent: the guest's kernel panicked: …`
  package var reasonOfDeath: String {
    let cause = death.map { ": \($0)" } ?? ""
    switch condition {
    case .running: return "\(machine) runs"
    case .unresponsive: return "the agent of \(machine) did not answer\(cause)"
    case .stopped: return "\(machine) had stopped\(cause)"
    }
  }
  package var folder: String { snapshot.folder }
  /// The console up to the failure.
  package var consolePath: String { "\(folder)/console.log" }

  /// The file is not as Provium wrote it, or another version wrote it.
  struct Unreadable: Error, CustomStringConvertible {
    let description: String
  }
  private struct Header: Codable { let format: Int }

  static func read(_ folder: String) throws -> KeptFailure {
    let data = Data(try Files.read("\(folder)/\(fileName)"))
    do {
      let found = try JSONDecoder().decode(Header.self, from: data).format
      guard found == format else {
        throw Unreadable(
          description: "another version of Provium kept it (format \(found) instead of \(format))"
        )
      }
      var kept = try JSONDecoder().decode(KeptFailure.self, from: data)
      kept.snapshot.folder = folder
      kept.before?.folder = "\(folder)/\(beforeName)"
      return kept
    } catch is DecodingError { throw Unreadable(description: "its \(fileName) is not what Provium wrote") }
  }

  func write(to folder: String) throws {
    let encoder = JSONEncoder()
    encoder.outputFormatting = [.prettyPrinted, .sortedKeys]
    try Files.write([UInt8](try encoder.encode(self)), to: "\(folder)/\(Self.fileName)")
  }
}
