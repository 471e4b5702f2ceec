import ProviumSystem
import ProviumEvents
import ProviumJSON

/// The YAML block below a test point: a mapping of strings, numbers and lists of strings.
struct TAPDetails {
  private var content: [String] = []

  /// With its marks; nothing when there is nothing to say.
  var lines: [String] { content.isEmpty ? [] : ["---"] + content + ["..."] }

  mutating func add(_ key: String, number: Double) { content.append("\(key): \(Amount.decimal(number))") }

  mutating func add(_ key: String, _ text: String) {
    let lines = HarmlessText.lines(text)
    if lines.count == 1, lines[0].utf8.count < 1000 {
      content.append("\(key): \(Self.quoted(lines[0]))")
    } else {
      // The digit says how deep the text is indented: else its own leading spaces would.
      content.append("\(key): |2-")
      content += lines.map { $0.isEmpty ? "" : "  \($0)" }
    }
  }

  mutating func add(_ key: String, _ list: [String]) {
    guard !list.isEmpty else { return }
    content.append("\(key):")
    content += list.map { "  - \(Self.quoted($0))" }
  }

  mutating func add(_ failure: Failure) {
    add("message", failure.message)
    content.append("severity: fail")
    add("kind", failure.kind.rawValue)
    if let location = failure.location {
      content.append("at:")
      content.append("  file: \(Self.quoted(location.file))")
      content.append("  line: \(location.line)")
    }
    add("traceback", failure.traceback)
    add("trace", failure.trace)
    add("console", failure.console)
  }

  /// YAML's double quotes are JSON's.
  private static func quoted(_ text: String) -> String { JSONValue.string(HarmlessText.clean(text)).text }
}
