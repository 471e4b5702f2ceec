import ProviumSystem

/// A program of the host that finds the lines of addresses in debug information: addr2line of GNU binutils, or of LLVM.
struct LineTool: Sendable {
  /// The line of an address, or of the call of the function that is inlined there.
  struct Line: Hashable {
    let function: String
    let file: String
    let line: Int
  }
  let path: String
  /// LLVM's has no option for the section of an object file.
  let hasSections: Bool

  private static let names = [("addr2line", true), ("llvm-addr2line", false), ("llvm-symbolizer", false)]
  private static let limit = Duration.seconds(60)

  /// nil: none is installed.
  static func find() -> LineTool? {
    for (name, hasSections) in names {
      if let path = ToolRun.find(name) { return LineTool(path: path, hasSections: hasSections) }
    }
    return nil
  }

  /// Returns the lines of each address, that of the innermost inlined function first; empty: unknown.
  /// - Parameter section: of an object file.
  func lines(of addresses: [UInt64], in file: String, section: String?) throws -> [[Line]] {
    guard section == nil || hasSections else { return addresses.map { _ in [] } }
    var arguments = path.hasSuffix("symbolizer") ? ["--output-style=GNU"] : []
    arguments += ["-f", "-i", "-a", "-e", file] + (section.map { ["-j", $0] } ?? [])
    let run = try ToolRun.run(
      path,
      arguments + addresses.map { "0x\(String($0, radix: 16))" },
      deadline: .after(Self.limit)
    )
    let answers = Self.parse(run.outputText)
    return answers.count == addresses.count ? answers : addresses.map { _ in [] }
  }

  /// Parses the output: each address, followed by pairs of a function and `FILE:LINE`.
  static func parse(_ output: String) -> [[Line]] {
    var answers: [[Line]] = []
    var function: Substring?
    for text in output.split(separator: "\n") {
      if function == nil, text.hasPrefix("0x") {
        answers.append([])
      } else if let name = function {
        function = nil
        guard let colon = text.lastIndex(of: ":"),
          let number = Int(text[colon...].dropFirst().prefix { $0.isNumber }), number > 0, !answers.isEmpty
        else { continue }
        answers[answers.count - 1].append(
          Line(function: String(name), file: String(text[..<colon]), line: number)
        )
      } else {
        function = text
      }
    }
    return answers
  }
}
