import ProviumKTAP
import ProviumSystem

/// The results of KUnit suites in a kernel's log.
struct KUnitLog {
  /// In the order of the log: the cases of a suite before the suite.
  private(set) var results: [KTAPResult] = []
  let summary: KTAPSummary
  private let lines: [Substring]

  /// - Parameter log: in the format of syslog(2): `<6>[    1.234567] text`, or without the priority, as dmesg(1) has it.
  init(_ log: [UInt8]) {
    var parser = KTAPParser()
    var found: [KTAPResult] = []
    log.withUnsafeBytes { bytes in parser.read(bytes) { found.append($0) } }
    summary = parser.finish { found.append($0) }
    // Lines such as `[OK]` in a log without KTAP are not results.
    results = summary.isKTAP ? found : []
    lines = String(decoding: log, as: UTF8.self).split(separator: "\n")
  }

  /// - Parameter lines: of a console.
  init(lines: [String]) { self.init(Array(lines.joined(separator: "\n").utf8)) }

  /// The suites that were running when the log got a line with `text`, each once; empty outside of suites.
  func suites(around text: String) -> [String] {
    var found: [String] = []
    var suite: String?
    for line in lines {
      let content = Self.content(line)
      let indent = content.prefix { $0 == " " }.count
      if let name = content.dropFirst(indent).after("# Subtest: ") {
        // Cases with parameters announce themselves further in.
        if suite == nil || indent <= Self.suiteIndent { suite = String(name).trimmed }
      } else if indent == 0, content.hasPrefix("ok ") || content.hasPrefix("not ok ") {
        suite = nil
      }
      if let suite, line.contains(text) { found.append(suite) }
    }
    return found.uniqued()
  }

  /// The names of the suites that began, each once.
  var begunSuites: [String] {
    lines.compactMap { line -> String? in
      let content = Self.content(line)
      let indent = content.prefix { $0 == " " }.count
      guard indent == Self.suiteIndent else { return nil }
      return content.dropFirst(indent).after("# Subtest: ").map { String($0).trimmed }
    }
    .uniqued()
  }

  /// The part of the log that is the last run of one suite: from its announcement to its result, or to the end of the log. nil: it did
  /// not begin.
  func section(of suite: String) -> KUnitLog? {
    guard
      let start = lines.lastIndex(where: { line in
        let content = Self.content(line)
        let indent = content.prefix { $0 == " " }.count
        return indent == Self.suiteIndent
          && content.dropFirst(indent).after("# Subtest: ").map { String($0).trimmed } == suite
      })
    else { return nil }
    let end = lines[start...].firstIndex { line in
      let content = Self.content(line)
      return content.hasPrefix("ok ") || content.hasPrefix("not ok ")
    }
    let part = ["KTAP version 1", "1..1"] + lines[start...(end ?? lines.count - 1)]
    return KUnitLog(Array(part.joined(separator: "\n").utf8))
  }

  /// The result of a suite itself.
  func result(of suite: String) -> KTAPResult? { results.first { $0.path == [suite] } }

  /// Whether it has the suite's result, and as many results of cases as were planned.
  func isComplete(_ suite: String) -> Bool { result(of: suite) != nil && summary.problems.isEmpty }

  /// The names in the answer to `kunit.action=list`: lines `SUITE.CASE`.
  var listedSuites: [String] {
    lines.compactMap { line -> String? in
      let content = Self.content(line)
      guard let dot = content.firstIndex(of: "."), content.prefix(upTo: dot).allSatisfy(Self.isNameCharacter)
      else {
        return nil
      }
      let test = content[content.index(after: dot)...]
      guard dot > content.startIndex, !test.isEmpty, test.allSatisfy(Self.isNameCharacter) else { return nil }
      return String(content[..<dot])
    }
    .uniqued()
  }

  /// KUnit indents a suite's own lines by four spaces (lib/kunit/test.c).
  private static let suiteIndent = 4

  private static func isNameCharacter(_ character: Character) -> Bool {
    character.isASCII && (character.isLetter || character.isNumber || character == "_" || character == "-")
  }

  /// Without the priority and the time stamp.
  private static func content(_ line: Substring) -> Substring {
    var line = line
    if line.hasPrefix("<"), let end = line.firstIndex(of: ">"),
      line[..<end].dropFirst().allSatisfy(\.isNumber)
    {
      line = line[line.index(after: end)...]
    }
    guard line.hasPrefix("["), let end = line.firstIndex(of: "]") else { return line }
    let rest = line[line.index(after: end)...]
    return rest.hasPrefix(" ") ? rest.dropFirst() : rest
  }
}

extension Substring {
  fileprivate func after(_ prefix: String) -> Substring? {
    hasPrefix(prefix) ? dropFirst(prefix.count) : nil
  }
}
