import ProviumEvents
import ProviumReports
import ProviumSystem
import Testing

/// What the schemas of Jenkins and Ant have in common, as rules over an XML that `XMLReader` has read.
private struct JUnitRules {
  static let attributes: [String: (required: Set<String>, allowed: Set<String>)] = [
    "testsuites": ([], ["name", "tests", "failures", "errors", "disabled", "time"]),
    "testsuite": (
      ["name", "tests", "failures", "errors", "time", "timestamp", "hostname", "id", "package"],
      ["skipped", "disabled"]
    ),
    "properties": ([], []), "property": (["name", "value"], []),
    "testcase": (["name", "classname", "time"], ["status", "assertions"]),
    "skipped": ([], ["message"]), "failure": (["type"], ["message"]), "error": (["type"], ["message"]),
    "system-out": ([], []), "system-err": ([], []),
  ]
  static let children: [String: [String]] = [
    "testsuites": ["testsuite"], "testsuite": ["properties", "testcase", "system-out", "system-err"],
    "properties": ["property"], "testcase": ["skipped", "error", "failure", "system-out", "system-err"],
  ]

  /// Everything that breaks a rule.
  static func faults(_ element: XMLNode, path: String = "") -> [String] {
    let path = "\(path)/\(element.name)"
    guard let rule = attributes[element.name] else { return ["\(path) is unknown"] }
    var faults: [String] = []
    let names = Set(element.attributes.keys)
    for missing in rule.required.subtracting(names) { faults.append("\(path) lacks \(missing)") }
    for other in names.subtracting(rule.required).subtracting(rule.allowed) {
      faults.append("\(path) has \(other)")
    }
    // Children come in the schema's order.
    let order = element.children.map { children[element.name]?.firstIndex(of: $0.name) ?? -1 }
    if order.contains(-1) || order != order.sorted() {
      faults.append("\(path) has \(element.children.map(\.name))")
    }
    if element.name == "testsuite" { faults += sums(element, path) }
    return faults + element.children.flatMap { self.faults($0, path: path) }
  }

  private static func sums(_ suite: XMLNode, _ path: String) -> [String] {
    let cases = suite.children.filter { $0.name == "testcase" }
    func count(_ name: String) -> Int { cases.count { $0.children.contains { $0.name == name } } }
    return [
      ("tests", cases.count), ("failures", count("failure")), ("errors", count("error")),
      ("skipped", count("skipped")),
    ].filter { suite.attributes[$0.0] != "\($0.1)" }.map { "\(path): \($0.0) is not \($0.1)" }
  }
}

@Suite("The JUnit report") struct JUnitTests {
  private func read(_ events: [TimedEvent]) throws -> XMLNode {
    try XMLReader.read(JUnitDocument(of: RunRecord(events)).text)
  }

  @Test("tells the whole run, to the byte") func golden() {
    #expect(JUnitDocument(of: SampleRun.record).text == Golden.junit)
  }

  @Test("keeps the rules that Jenkins' and Ant's schemas share, also when interrupted")
  func rules() throws {
    for events in [SampleRun.events, SampleRun.interrupted, Array(SampleRun.events.prefix(1))] {
      #expect(JUnitRules.faults(try read(events)) == [])
    }
  }

  @Test(
    "calls wrong what was tested, and an error what kept it from being tested",
    arguments: [
      (FailureKind.assertion, "failure"), (.kernelReport, "failure"), (.error, "error"), (.infrastructure, "error"),
      (.timeout, "error"),
    ]
  )
  func kinds(kind: FailureKind, element: String) throws {
    let result = FileResult(
      file: "a.lua",
      outcome: .failed(Failure(kind: kind, message: "m")),
      subTests: [],
      duration: 1
    )
    let root = try read([TimedEvent(time: 1, event: .fileEnded(result))])
    let testCase = root.children[0].children[1]
    #expect(testCase.attributes["name"] == "a.lua")
    #expect(testCase.children.map(\.name) == [element])
    #expect(testCase.children[0].attributes["type"] == kind.rawValue)
  }

  @Test("has a case for the script when it fails outside its sub-tests") func outside() throws {
    var result = SampleRun.boot
    result.outcome = .failed(Failure(kind: .error, message: "boom"))
    let suite = try read([TimedEvent(time: 1, event: .fileEnded(result))]).children[0]
    #expect(suite.children.filter { $0.name == "testcase" }.last?.attributes["name"] == "boot.lua")
    #expect(suite.attributes["errors"] == "1" && suite.attributes["tests"] == "4")
  }

  /// Beside the tests' targets.
  private static let schema = Files.parent(of: Files.parent(of: #filePath)) + "/Schemas/junit-10.xsd"

  private func validate(_ text: String) throws -> ToolRun {
    let scratch = try Scratch()
    let path = "\(scratch.path)/junit.xml"
    try Files.write(Array(text.utf8), to: path)
    return try ToolRun.run("xmllint", ["--noout", "--schema", Self.schema, path], allowFailure: true)
  }

  @Test(
    "is valid against the usual schema, also when interrupted",
    .enabled(if: ToolRun.find("xmllint") != nil, "xmllint is not installed"),
    arguments: ["whole", "interrupted", "empty"]
  )
  func schema(kind: String) throws {
    let events =
      switch kind {
      case "whole": SampleRun.events
      case "interrupted": SampleRun.interrupted
      default: Array(SampleRun.events.prefix(1))
      }
    let run = try validate(JUnitDocument(of: RunRecord(events)).text)
    #expect(run.status.isSuccess, "\(run.errorText)")
  }

  @Test(
    "would be refused by that schema with an element, an attribute or a number that is none",
    .enabled(if: ToolRun.find("xmllint") != nil, "xmllint is not installed"),
    arguments: [
      ("<skipped message=", "<ignored message="), ("<testcase name=", "<testcase title="),
      ("tests=\"12\"", "tests=\"twelve\""),
    ]
  )
  func invalid(valid: String, wrong: String) throws {
    let text = JUnitDocument(of: SampleRun.record).text
    #expect(text.contains(valid))
    #expect(try !validate(text.replacing(valid, with: wrong)).status.isSuccess)
  }
}
