import ProviumEvents

/// Reads the members that `EventMembers` writes. What is missing and has no meaning by its absence is an error that
/// names it; what is unknown is passed over.
struct MemberReader {
  private let value: JSONValue

  init(_ value: JSONValue) { self.value = value }

  func string(_ key: String) throws -> String { try require(key, "a string", value[key]?.string) }
  func int(_ key: String) throws -> Int { try require(key, "a whole number", value[key]?.int) }
  func double(_ key: String) throws -> Double { try require(key, "a number", value[key]?.double) }
  func uint64(_ key: String) throws -> UInt64 { try require(key, "a whole number", value[key]?.uint64) }
  func strings(_ key: String) throws -> [String] {
    try (value[key]?.array ?? []).map { try require(key, "a list of strings", $0.string) }
  }
  private func optional(_ key: String) -> String? { value[key]?.string }

  private func require<Result>(_ key: String, _ kind: String, _ found: Result?) throws -> Result {
    guard let found else { throw EventFault("lacks \"\(key)\", \(kind)") }
    return found
  }

  func event(named name: String) throws -> RunEvent? {
    switch name {
    case "run_started": .runStarted(try header())
    case "file_started": .fileStarted(file: try string("file"), attempt: try int("attempt"))
    case "activity": .activity(file: try string("file"), text: try string("text"))
    case "subtest_started":
      .subTestStarted(file: try string("file"), path: try strings("path"), location: try location())
    case "output": .output(file: try string("file"), path: try strings("path"), text: try string("text"))
    case "subtest_ended": .subTestEnded(file: try string("file"), result: try subTest())
    case "machine_started": .machineStarted(try machine())
    case "machine_ready":
      .machineReady(id: try int("machine"), duration: try double("duration"), kernel: optional("kernel"))
    case "machine_ended": .machineEnded(id: try int("machine"), reason: try string("reason"))
    case "pool_waiting":
      .poolWaiting(file: try string("file"), memory: try uint64("memory"), cpus: try int("cpus"))
    case "pool_granted":
      .poolGranted(
        file: try string("file"),
        claim: try int("claim"),
        memory: try uint64("memory"),
        cpus: try int("cpus"),
        waited: try double("waited")
      )
    case "pool_grown":
      .poolGrown(file: try string("file"), claim: try int("claim"), memory: try uint64("memory"))
    case "pool_released": .poolReleased(file: try string("file"), claim: try int("claim"))
    case "warning": .warning(file: optional("file"), text: try string("text"))
    case "file_ended": .fileEnded(try file())
    case "run_ended": .runEnded(try summary())
    default: nil
    }
  }

  // MARK: Parts

  private func location() throws -> ScriptLocation {
    let reader = MemberReader(try require("location", "an object", value["location"]))
    return ScriptLocation(file: try reader.string("file"), line: try reader.int("line"))
  }

  private func outcome() throws -> Outcome {
    let name = try string("outcome")
    switch name {
    case "passed": return .passed
    case "failed":
      return .failed(try MemberReader(try require("failure", "an object", value["failure"])).failure())
    case "todo": return .todo(reason: try string("reason"))
    case "skipped": return .skipped(reason: try string("reason"))
    default: throw EventFault("has the unknown outcome \"\(name)\"")
    }
  }

  private func failure() throws -> Failure {
    let kind = try string("kind")
    guard let known = FailureKind(rawValue: kind) else {
      throw EventFault("has the unknown failure kind \"\(kind)\"")
    }
    var failure = Failure(
      kind: known,
      message: try string("message"),
      location: value["location"] == nil ? nil : try location()
    )
    failure.traceback = try strings("traceback")
    failure.trace = try strings("trace")
    failure.console = try strings("console")
    return failure
  }

  private func subTest() throws -> SubTestResult {
    var result = SubTestResult(
      path: try strings("path"),
      outcome: try outcome(),
      duration: try double("duration"),
      location: try location()
    )
    result.output = optional("output") ?? ""
    result.tags = try strings("tags")
    for member in value["properties"]?.members ?? [] { result.properties[member.key] = member.value.string }
    return result
  }

  private func file() throws -> FileResult {
    let tests = try (value["tests"]?.array ?? []).map { try MemberReader($0).subTest() }
    var result = FileResult(
      file: try string("file"),
      outcome: try outcome(),
      subTests: tests,
      duration: try double("duration")
    )
    result.output = optional("output") ?? ""
    result.isHelper = value["helper"]?.bool ?? false
    result.attempt = try int("attempt")
    result.logPath = optional("log")
    return result
  }

  private func header() throws -> RunHeader {
    RunHeader(
      version: try string("version"),
      qemu: try string("qemu"),
      accelerator: try string("accelerator"),
      acceleratorReason: try string("accelerator_reason"),
      channel: try string("channel"),
      channelReason: try string("channel_reason"),
      timeScale: try double("time_scale"),
      slowdown: value["slowdown"]?.double,
      files: try strings("files"),
      parallel: try int("parallel"),
      startedAt: try double("started_at"),
      seed: value["seed"]?.uint64,
      pool: optional("pool"),
      runDirectory: try string("run_directory"),
      shard: try value["shard"].map { try MemberReader($0).shard() }
    )
  }

  private func shard() throws -> RunShard {
    RunShard(
      index: try int("index"),
      total: try int("total"),
      isBalanced: value["balanced"]?.bool ?? false,
      suite: try strings("suite"),
      part: try strings("part")
    )
  }

  private func machine() throws -> MachineDescription {
    var machine = MachineDescription(
      id: try int("machine"),
      file: try string("file"),
      profile: try string("profile"),
      memory: try uint64("memory"),
      cpus: try int("cpus"),
      origin: try string("origin")
    )
    machine.kernel = optional("kernel")
    return machine
  }

  private func summary() throws -> RunSummary {
    var summary = RunSummary()
    summary.passed = try int("passed")
    summary.failed = try int("failed")
    summary.skipped = try int("skipped")
    summary.helpers = try int("helpers")
    summary.testsPassed = try int("tests_passed")
    summary.testsFailed = try int("tests_failed")
    summary.testsTodo = try int("tests_todo")
    summary.testsSkipped = try int("tests_skipped")
    summary.retried = try strings("retried")
    summary.duration = try double("duration")
    summary.stoppedEarly = optional("stopped_early")
    return summary
  }
}
