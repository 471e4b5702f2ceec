import ProviumEvents

// How each value of the event stream is written. `MemberReader` reads the same names.

extension JSONValue {
  static func strings(_ values: [String]) -> JSONValue { .array(values.map { .string($0) }) }

  /// Seconds to a microsecond: more digits are noise.
  static func seconds(_ value: Double) -> JSONValue {
    .number(abs(value) < 1e9 ? (value * 1e6).rounded() / 1e6 : value)
  }
}

extension ScriptLocation {
  var value: JSONValue { .object([.init("file", .string(file)), .init("line", .integer(Int64(line)))]) }
}

extension Failure {
  var value: JSONValue {
    .object([
      .init("kind", .string(kind.rawValue)), .init("message", .string(message)),
      .init("location", location?.value ?? .null), .init("traceback", .strings(traceback)),
      .init("trace", .strings(trace)), .init("console", .strings(console)),
    ])
  }
}

extension Outcome {
  /// `outcome`, and what explains it.
  var members: [JSONValue.Member] {
    let name = JSONValue.Member("outcome", .string(name))
    switch self {
    case .passed: return [name]
    case .failed(let failure): return [name, .init("failure", failure.value)]
    case .todo(let reason), .skipped(let reason): return [name, .init("reason", .string(reason))]
    }
  }
}

extension SubTestResult {
  var members: [JSONValue.Member] {
    [.init("path", .strings(path))] + outcome.members + [
      .init("duration", .seconds(duration)), .init("location", location.value),
      .init("output", .string(output)),
      .init("tags", .strings(tags)),
      .init(
        "properties",
        .object(properties.sorted { $0.key < $1.key }.map { .init($0.key, .string($0.value)) })
      ),
    ]
  }
}

extension FileResult {
  var members: [JSONValue.Member] {
    [.init("file", .string(file)), .init("attempt", .integer(Int64(attempt)))] + outcome.members + [
      .init("duration", .seconds(duration)), .init("output", .string(output)),
      .init("helper", .bool(isHelper)),
      .init("log", logPath.map { .string($0) } ?? .null),
      .init("tests", .array(subTests.map { .object($0.members) })),
    ]
  }
}

extension RunHeader {
  var members: [JSONValue.Member] {
    [
      .init("version", .string(version)), .init("qemu", .string(qemu)),
      .init("accelerator", .string(accelerator)),
      .init("accelerator_reason", .string(acceleratorReason)), .init("channel", .string(channel)),
      .init("channel_reason", .string(channelReason)), .init("time_scale", .number(timeScale)),
      .init("slowdown", slowdown.map { .number($0) } ?? .null),
      .init("files", .strings(files)), .init("parallel", .integer(Int64(parallel))),
      .init("started_at", .number(startedAt)), .init("seed", seed.map { .unsigned($0) } ?? .null),
      .init("pool", pool.map { .string($0) } ?? .null), .init("run_directory", .string(runDirectory)),
      .init("shard", shard?.value ?? .null),
    ]
  }
}

extension RunShard {
  var value: JSONValue {
    .object([
      .init("index", .integer(Int64(index))), .init("total", .integer(Int64(total))),
      .init("balanced", .bool(isBalanced)), .init("suite", .strings(suite)), .init("part", .strings(part)),
    ])
  }
}

extension MachineDescription {
  var members: [JSONValue.Member] {
    [
      .init("machine", .integer(Int64(id))), .init("file", .string(file)), .init("profile", .string(profile)),
      .init("memory", .unsigned(memory)), .init("cpus", .integer(Int64(cpus))),
      .init("origin", .string(origin)),
      .init("kernel", kernel.map { .string($0) } ?? .null),
    ]
  }
}

extension RunSummary {
  var members: [JSONValue.Member] {
    func count(_ name: String, _ value: Int) -> JSONValue.Member { .init(name, .integer(Int64(value))) }
    return [
      count("passed", passed), count("failed", failed), count("skipped", skipped), count("helpers", helpers),
      count("tests_passed", testsPassed), count("tests_failed", testsFailed), count("tests_todo", testsTodo),
      count("tests_skipped", testsSkipped), .init("retried", .strings(retried)),
      .init("duration", .seconds(duration)),
      .init("stopped_early", stoppedEarly.map { .string($0) } ?? .null),
    ]
  }
}
