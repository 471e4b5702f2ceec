import ProviumEvents
import ProviumReports
import ProviumSystem
import Testing

/// The rules that the schemas of Jenkins and Ant share, for a document that `XMLReader` has read.
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

  /// All violations of the rules.
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

  @Test("writes exactly the expected document of a whole run") func golden() {
    #expect(JUnitDocument(of: SampleRun.record).text == Golden.junit)
  }

  @Test("follows the rules that the schemas of Jenkins and Ant share, also for an interrupted run")
  func rules() throws {
    for events in [SampleRun.events, SampleRun.interrupted, Array(SampleRun.events.prefix(1))] {
      #expect(JUnitRules.faults(try read(events)) == [])
    }
  }

  @Test(
    "has a failure where the code under test is wrong, and an error where it was not judged",
    arguments: [
      (FailureKind.assertion, "failure"), (.kernelReport, "failure"), (.error, "error"),
      (.infrastructure, "error"),
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

  @Test("has a test case for a script that failed outside its sub-tests") func outside() throws {
    var result = SampleRun.boot
    result.outcome = .failed(Failure(kind: .error, message: "boom"))
    let suite = try read([TimedEvent(time: 1, event: .fileEnded(result))]).children[0]
    #expect(suite.children.filter { $0.name == "testcase" }.last?.attributes["name"] == "boot.lua")
    #expect(suite.attributes["errors"] == "1" && suite.attributes["tests"] == "4")
  }

  private func cases(_ events: [RunEvent]) throws -> [String] {
    let root = try read(events.map { TimedEvent(time: 1, event: $0) })
    let names = root.children.flatMap(\.children).filter { $0.name == "testcase" }
      .map { "\($0.attributes["classname"] ?? "") \($0.attributes["name"] ?? "")" }
    #expect(Set(names).count == names.count, "two test cases have one name: \(names)")
    #expect(Set(root.children.map { $0.attributes["name"] }).count == root.children.count)
    return names
  }

  private func file(_ name: String, _ paths: [[String]]) -> RunEvent {
    .fileEnded(
      FileResult(
        file: name,
        outcome: .passed,
        subTests: paths.map { SampleRun.test($0, .passed) },
        duration: 1
      )
    )
  }

  @Test("has a class name of its own for each file, also where paths differ only in punctuation")
  func classNames() throws {
    let files = [
      "a.b.lua", "a_b.lua", "a-b.lua", "a/b.lua", "a%2Eb.lua", "a\tb.lua", "a b.lua", "/a/b.lua", "../a.lua",
    ]
    #expect(
      try cases(files.map { file($0, [["same"]]) }) == [
        "a%2Eb same", "a_b same", "a-b same", "a.b same", "a%252Eb same", "a%09b same", "a b same",
        ".a.b same",
        "%2E%2E.a same",
      ]
    )
  }

  @Test("numbers sub-tests of one name, also where their names are only shown alike") func ordinals() throws {
    let paths = [
      ["same"], ["same"], ["x\ny"], ["x y"], ["o", "i"], ["o / i"], ["o"], ["a.lua"], ["\u{e9}"],
      ["e\u{301}"],
    ]
    var result = FileResult(
      file: "a.lua",
      outcome: .failed(Failure(kind: .error, message: "m")),
      subTests: paths.map { SampleRun.test($0, .passed) },
      duration: 1
    )
    result.output = "x"
    let names = try cases([.fileEnded(result)])
    #expect(names.prefix(4) == ["a same", "a same #2", "a x y", "a x y #2"])
    #expect(names.contains("a a.lua") && names.contains("a a.lua #2"))
  }

  @Test("names the repetition in the test cases of --repeat") func repetitions() throws {
    let round = [
      RunEvent.fileStarted(file: "flaky.lua", attempt: 0), file("flaky.lua", [["t"], ["t (run 2)"]]),
    ]
    #expect(
      try cases(round + round + round) == [
        "flaky t", "flaky t (run 2)", "flaky t (run 2) #2", "flaky t (run 2) (run 2)", "flaky t (run 3)",
        "flaky t (run 2) (run 3)",
      ]
    )
  }

  /// The schema, in a folder beside the test targets.
  private static let schema = Files.parent(of: Files.parent(of: #filePath)) + "/Schemas/junit-10.xsd"

  private func validate(_ text: String) throws -> ToolRun {
    let scratch = try Scratch()
    let path = "\(scratch.path)/junit.xml"
    try Files.write(Array(text.utf8), to: path)
    return try ToolRun.run("xmllint", ["--noout", "--schema", Self.schema, path], allowFailure: true)
  }

  @Test(
    "is valid against the schema of Jenkins, also for an interrupted run",
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
    "is checked by a schema that refuses a wrong element, attribute or number",
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
