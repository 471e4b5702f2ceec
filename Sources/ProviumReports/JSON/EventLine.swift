package import ProviumEvents

/// One event as one line of JSON, as `Docs/events.md` describes. Pure, both ways.
package enum EventLine {
  /// Raised when a reader of older lines would misread newer ones; new events and new members do not raise it.
  package static let version = 1

  /// Without the line's end; `time` is seconds since the run began.
  package static func text(_ event: RunEvent, at time: Double) -> String { value(event, at: time).text }

  static func value(_ event: RunEvent, at time: Double) -> JSONValue {
    let (name, members) = parts(event)
    return .object(
      [.init("v", .integer(Int64(version))), .init("t", .seconds(time)), .init("event", .string(name))]
        + members
    )
  }

  private static func parts(_ event: RunEvent) -> (String, [JSONValue.Member]) {
    switch event {
    case .runStarted(let header): ("run_started", header.members)
    case .fileStarted(let file, let attempt):
      ("file_started", [.init("file", .string(file)), .init("attempt", .integer(Int64(attempt)))])
    case .activity(let file, let text):
      ("activity", [.init("file", .string(file)), .init("text", .string(text))])
    case .subTestStarted(let file, let path, let location):
      (
        "subtest_started",
        [.init("file", .string(file)), .init("path", .strings(path)), .init("location", location.value)]
      )
    case .output(let file, let path, let text):
      ("output", [.init("file", .string(file)), .init("path", .strings(path)), .init("text", .string(text))])
    case .subTestEnded(let file, let result):
      ("subtest_ended", [.init("file", .string(file))] + result.members)
    case .warning(let file, let text):
      ("warning", [.init("file", file.map { .string($0) } ?? .null), .init("text", .string(text))])
    case .fileEnded(let result): ("file_ended", result.members)
    case .runEnded(let summary): ("run_ended", summary.members)
    case .machineStarted, .machineReady, .machineEnded: machine(event)
    case .poolWaiting, .poolGranted, .poolGrown, .poolReleased: pool(event)
    }
  }

  private static func machine(_ event: RunEvent) -> (String, [JSONValue.Member]) {
    switch event {
    case .machineStarted(let machine): ("machine_started", machine.members)
    case .machineReady(let id, let duration, let kernel):
      (
        "machine_ready",
        [
          .init("machine", .integer(Int64(id))), .init("duration", .seconds(duration)),
          .init("kernel", kernel.map { .string($0) } ?? .null),
        ]
      )
    case .machineEnded(let id, let reason):
      ("machine_ended", [.init("machine", .integer(Int64(id))), .init("reason", .string(reason))])
    default: ("", [])
    }
  }

  private static func pool(_ event: RunEvent) -> (String, [JSONValue.Member]) {
    func amounts(_ memory: UInt64, _ cpus: Int) -> [JSONValue.Member] {
      [.init("memory", .unsigned(memory)), .init("cpus", .integer(Int64(cpus)))]
    }
    switch event {
    case .poolWaiting(let file, let memory, let cpus):
      return ("pool_waiting", [.init("file", .string(file))] + amounts(memory, cpus))
    case .poolGranted(let file, let claim, let memory, let cpus, let waited):
      return (
        "pool_granted",
        [.init("file", .string(file)), .init("claim", .integer(Int64(claim)))] + amounts(memory, cpus)
          + [.init("waited", .seconds(waited))]
      )
    case .poolGrown(let file, let claim, let memory):
      return (
        "pool_grown",
        [
          .init("file", .string(file)), .init("claim", .integer(Int64(claim))),
          .init("memory", .unsigned(memory)),
        ]
      )
    case .poolReleased(let file, let claim):
      return ("pool_released", [.init("file", .string(file)), .init("claim", .integer(Int64(claim)))])
    default: return ("", [])
    }
  }

  /// - Returns: nil for an event that this version does not know: a newer Provium's.
  /// - Throws: `EventFault` for what is no event line, or one of a newer format.
  static func decode(_ line: some Sequence<UInt8>) throws -> TimedEvent? {
    let value: JSONValue
    do { value = try JSONParser.parse(line) } catch { throw EventFault("is no JSON: \(error)") }
    let reader = MemberReader(value)
    let version = try reader.int("v")
    guard version == Self.version else {
      throw EventFault("is of version \(version) of the format; this Provium reads version \(Self.version)")
    }
    return try reader.event(named: try reader.string("event")).map { event in
      TimedEvent(time: try reader.double("t"), event: event)
    }
  }
}

/// Why a line is no event.
struct EventFault: Error, CustomStringConvertible {
  let description: String
  init(_ description: String) { self.description = description }
}
