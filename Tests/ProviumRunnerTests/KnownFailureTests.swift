import ProviumEvents
import ProviumRuntime
import Synchronization
import Testing

@testable import ProviumRunner

@Suite("Known failures") struct KnownFailureTests {
  private typealias Day = KnownFailure.Day
  private let location = ScriptLocation(file: "a.lua", line: 1)

  private func known(_ tests: [String], until: String = "2027-03-31", today: String = "2027-03-31")
    throws -> KnownFailures
  {
    let until = try #require(Day(until))
    return KnownFailures(
      [KnownFailure(name: "rtc", tests: tests, reason: "no alarm", until: until)],
      today: try #require(Day(today))
    )
  }
  private func test(_ path: [String], _ kind: FailureKind?) -> SubTestResult {
    let outcome = kind.map { Outcome.failed(Failure(kind: $0, message: "no", location: location)) } ?? .passed
    return SubTestResult(path: path, outcome: outcome, duration: 0, location: location)
  }
  private func file(_ tests: [SubTestResult]) -> FileResult {
    FileResult(file: "ksft/rtc:rtctest", outcome: .passed, subTests: tests, duration: 0)
  }
  private func names(_ result: FileResult) -> [String] { result.subTests.map(\.outcome.name) }

  @Test("count as to do, and the test around them passes") func applied() throws {
    let known = try known(["ksft/rtc:* / * / alarm"])
    let result = known.applied(
      to: file([test(["rtctest", "alarm"], .assertion), test(["rtctest"], .inner)])
    )
    #expect(result.subTests[0].outcome == .todo(reason: "known failure until 2027-03-31: no alarm"))
    #expect(names(result) == ["todo", "passed"])
    #expect(!result.hasFailed)
    #expect(known.applied(to: result) == result)
  }

  @Test("leave other failures as they are, and the test around them failed") func others() throws {
    let known = try known(["ksft/rtc:* / * / alarm"])
    let tests = [
      test(["rtctest", "alarm"], .kernelReport), test(["rtctest", "date"], .assertion),
      test(["rtctest"], .inner), test(["rtctest2", "alarm"], .infrastructure),
    ]
    #expect(names(known.applied(to: file(tests))) == ["todo", "failed", "failed", "failed"])
  }

  @Test("fail after their last day") func expired() throws {
    let known = try known(["*"], today: "2027-04-01")
    let result = known.applied(to: file([test(["rtctest"], .assertion)]))
    #expect(names(result) == ["failed"])
    #expect(
      known.stale(in: [result], isComplete: false) == ["known.rtc is out of date since 2027-03-31: no alarm"]
    )
  }

  @Test("are stale when all tests that they name passed, or none is there") func stale() throws {
    let passed = file([test(["rtctest"], nil)])
    #expect(
      try known(["*rtctest"]).stale(in: [passed], isComplete: false)
        == ["known.rtc is stale: all 2 tests that it names passed"]
    )
    let other = try known(["*dhcp*"])
    #expect(other.stale(in: [passed], isComplete: false).isEmpty)
    #expect(other.stale(in: [passed], isComplete: true) == ["known.rtc names no test of this run"])
    let used = try known(["* / alarm"])
    let result = used.applied(to: file([test(["rtctest", "alarm"], .assertion)]))
    #expect(used.stale(in: [result], isComplete: true).isEmpty)
  }

  @Test("are applied to events while the file runs") func events() throws {
    final class Seen: EventSink {
      let outcomes = Mutex<[String]>([])
      func receive(_ event: RunEvent, at time: Double) {
        if case .subTestEnded(_, let result) = event { outcomes.withLock { $0.append(result.outcome.name) } }
      }
      func finish() {}
    }
    let seen = Seen()
    let sink = KnownFailureSink(try known(["* / alarm"]), before: [seen])
    for result in [
      test(["a", "alarm"], .assertion), test(["a"], .inner),
      test(["b", "alarm"], .assertion), test(["b", "date"], .assertion), test(["b"], .inner),
    ] {
      sink.receive(.subTestEnded(file: "f", result: result), at: 0)
    }
    #expect(seen.outcomes.withLock { $0 } == ["todo", "passed", "todo", "failed", "failed"])
  }

  @Test("are read from provium.toml, with a reason and a day") func configuration() throws {
    let text = "[known.rtc]\ntests = [\"a*\"]\nreason = \"r\"\nuntil = \"2028-02-29\"\n"
    let read = try ConfigurationFile.parse(text, path: "/p/provium.toml").knownFailures
    let day = Day(year: 2028, month: 2, day: 29)
    #expect(read == [KnownFailure(name: "rtc", tests: ["a*"], reason: "r", until: day)])
    for (old, new, message) in [
      ("2028-02-29", "2027-02-29", "must be a day such as"), ("2028-02-29", "soon", "must be a day such as"),
      ("reason = \"r\"\n", "", "lacks the key 'reason'"), ("tests = [\"a*\"]", "test = []", "unknown key"),
    ] {
      let error = #expect(throws: ConfigurationError.self) {
        try ConfigurationFile.parse(text.replacing(old, with: new), path: "/p/provium.toml")
      }
      #expect(error?.description.contains(message) == true, "\(error?.description ?? "")")
    }
  }
}
