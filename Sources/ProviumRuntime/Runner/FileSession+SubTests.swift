import ProviumEvents
import ProviumLua
import ProviumSystem

/// What a script says of a sub-test besides its name and body.
struct SubTestMeta {
  var tags: [String] = []
  var timeout: Duration?
  var skip: String?
  var isSlow = false
  var isFresh = false
  /// Passed through to reports.
  var properties: [String: String] = [:]

  init(_ argument: LuaArgument?, call: LuaCall) throws {
    for (bytes, value) in try argument?.entries() ?? [] {
      let name = String(decoding: bytes, as: UTF8.self)
      switch name {
      case "tags": tags = try value.list().map { try $0.string() }
      case "timeout": timeout = try value.duration()
      case "skip": skip = value.value.text ?? (value.value.isTruthy ? "" : nil)
      case "slow": isSlow = try value.boolean()
      case "fresh": isFresh = try value.boolean()
      default: properties[name] = value.value.text ?? value.value.described()
      }
    }
  }
}

extension FileSession {
  /// `test(name [, meta], fn)`: runs `fn(t)` at once and isolates its failure.
  func runSubTest(_ call: LuaCall) throws -> [LuaValue] {
    try call.expect(atMost: 3)
    guard workplace == nil else {
      throw call.misuse(
        "a fixture's script has no sub-tests: nobody would hear of them; assert what must hold"
      )
    }
    guard subTests.frames.count < SubTestStack.deepest else {
      throw call.misuse("sub-tests are nested more than \(SubTestStack.deepest) deep")
    }
    let given = try call.string(1, "name")
    guard !given.isEmpty else { throw call.argument(1, "name").expected("a name that is not empty") }
    let hasMeta = call.arguments.count > 2
    let body = try call.function(hasMeta ? 3 : 2, "fn")
    let meta = try SubTestMeta(hasMeta ? call.optional(2, "meta") : nil, call: call)
    let name = subTests.nextName(given)
    let location = ScriptLocation(
      file: call.location?.file ?? file.displayPath,
      line: call.location?.line ?? 1
    )

    let decision = filter.decide(subTests.path + [name], subTests.tags + meta.tags, meta.isSlow)
    switch meta.skip.map(SubTestFilter.Decision.skip) ?? decision {
    case .leaveOut: subTests.leaveOut()
    case .skip(let reason):
      if decision == .leaveOut {
        subTests.leaveOut()
        return []
      }
      let result = subTests.record(name, outcome: .skipped(reason: reason), tags: meta.tags, at: location)
      events.send(.subTestEnded(file: file.name, result: result))
    case .run, .contain:
      try begin(name, meta, at: location, isContainer: decision == .contain)
      run(body, name: name, meta: meta, in: call.state)
    }
    return []
  }

  private func begin(
    _ name: String,
    _ meta: SubTestMeta,
    at location: ScriptLocation,
    isContainer: Bool
  ) throws {
    // What the consoles show from here on is this test's.
    noteReports()
    subTests.push(name, tags: meta.tags, at: location, isContainer: isContainer)
    if !isContainer {
      events.send(.subTestStarted(file: file.name, path: subTests.path, location: location))
    }
    machines.mark("--- test \"\(subTests.path.joined(separator: " / "))\" begins")
    activity("test \(name)")
  }

  private func run(_ body: LuaFunction, name: String, meta: SubTestMeta, in state: LuaState) {
    let limit = meta.timeout.map { TimeLimit(of: "the sub-test's", length: $0, scale: engine.timeScale) }
    let outcome: Outcome
    if let limit { limits.append(limit) }
    defer { if limit != nil { limits.removeLast() } }
    let isFresh = (meta.isFresh || isFresh) && subTests.path.count == 1
    let before = machines.count
    // After the outcome: a failure shows their consoles.
    defer { if isFresh { machines.end(after: before) } }
    do {
      if isFresh { try machines.startAfresh() }
      let caught = try state.signalCaught {
        _ = try state.call(
          body,
          [.table(LuaTable(pairs: [.init(key: "name", value: .text(name))]))],
          deadline: limit?.deadline ?? .never
        )
      }
      outcome = caught.map(self.outcome) ?? .passed
    } catch let failure as LuaFailure {
      outcome = self.outcome(of: failure.within(subTests.frames.last?.location))
    } catch {
      outcome = .failed(failure(of: error))
    }
    noteReports()
    machines.mark("--- test \"\(subTests.path.joined(separator: " / "))\" has ended")
    if let result = subTests.pop(outcome, properties: meta.properties) {
      events.send(.subTestEnded(file: file.name, result: result))
    }
  }

  /// `todo(reason?)`.
  func todo(_ call: LuaCall) throws -> [LuaValue] {
    throw SessionSignal.todo(reason: try call.optionalString(1, "reason") ?? "")
  }

  /// `skip(reason?)`.
  func skip(_ call: LuaCall) throws -> [LuaValue] {
    throw SessionSignal.skip(reason: try call.optionalString(1, "reason") ?? "")
  }
}

extension LuaFailure {
  /// Without the frames outside the body of the test that was called at `location`: they are the same for every failure.
  fileprivate func within(_ location: ScriptLocation?) -> LuaFailure {
    guard let location, let body = traceback.firstIndex(where: { $0.contains("<\(location)>") }) else {
      return self
    }
    var failure = self
    failure.traceback = Array(traceback[...body])
    return failure
  }
}
