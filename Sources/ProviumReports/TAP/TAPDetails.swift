import ProviumEvents
import ProviumJSON
import ProviumSystem

/// The YAML block below a test point: a mapping of strings and numbers.
///
/// Consumers of TAP 13 read a small part of YAML. Perl's TAP::Parser, which `prove` uses, stops at block scalars
/// with an indentation indicator or an empty line, and at list items that contain a colon. The block uses none
/// of them.
struct TAPDetails {
  private var content: [String] = []

  /// The block with its markers; no lines when it is empty.
  var lines: [String] { content.isEmpty ? [] : ["---"] + content + ["..."] }

  mutating func add(_ key: String, number: Double) { content.append("\(key): \(Amount.decimal(number))") }

  mutating func add(_ key: String, _ text: String) { add(key, lines: HarmlessText.lines(text)) }

  /// Adds several texts as the lines of one.
  mutating func add(_ key: String, _ texts: [String]) {
    guard !texts.isEmpty else { return }
    add(key, lines: texts.flatMap { HarmlessText.lines($0) })
  }

  mutating func add(_ failure: Failure) {
    add("message", failure.message)
    content.append("severity: fail")
    add("kind", failure.kind.rawValue)
    if let location = failure.location {
      content.append("at:")
      content.append("  file: \(Self.quoted(HarmlessText.line(location.file)))")
      content.append("  line: \(location.line)")
    }
    add("kept", failure.keptLines)
    add("traceback", failure.traceback)
    add("trace", failure.trace)
    add("console", failure.console)
  }

  private mutating func add(_ key: String, lines: [String]) {
    // A block scalar takes its indentation from its first line.
    let isBlock = lines.count > 1 && lines[0].first != " " && lines.allSatisfy { $0.contains { $0 != " " } }
    if isBlock {
      content.append("\(key): |")
      content += lines.map { "  \($0)" }
    } else {
      content.append("\(key): \(Self.quoted(lines.joined(separator: "\n")))")
    }
  }

  /// A double-quoted YAML string. Of cleaned text, JSON escapes only the quote, the backslash and the line end, in
  /// the form that YAML has too.
  private static func quoted(_ text: String) -> String { JSONValue.string(text).text }
}
