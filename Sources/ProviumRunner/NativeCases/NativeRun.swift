package import ProviumEvents
package import ProviumRuntime
import ProviumScripts
import ProviumSystem
import Synchronization

/// One run of one test file for its native cases: the script on a thread of its own, and a stream of reports for each case.
/// Thread-safe.
///
/// The thread never waits for the test runner: it runs to its end and pushes reports. So no order, limit or filter that a test
/// runner chooses can block it for ever.
package final class NativeRun: Sendable {
  /// The run of the suite that surrounds the current test case.
  @TaskLocal package static var current: NativeRun?

  /// An event of the run, as one case sees it.
  package enum Report: Sendable {
    case ended(SubTestResult)
    /// A sub-test ended that has no case of its own and is inside the case's sub-test.
    case inner(SubTestResult)
    /// The script ended before it reached the case's sub-test.
    case notReached(why: String, location: ScriptLocation?)
    case script(FileResult, unlisted: [SubTestResult])
  }

  private struct State {
    var inputs: [NativeCase.Subject: AsyncStream<Report>.Continuation] = [:]
    var streams: [NativeCase.Subject: AsyncStream<Report>] = [:]
    var ended: [[String]: SubTestResult] = [:]
    var unlisted: [SubTestResult] = []
  }

  /// The work of the run's thread.
  private enum Work {
    case script(ScopeControl, SubTestFilter)
    case suite(ProjectTests, TestSelection, EventStream, Interruption)
  }

  package let file: NativeFile
  private let work: Work
  private let engine: Engine
  private let known: KnownFailures
  private let listed: Set<[String]>
  private let selected: Set<[String]>
  private let cases: CaseSelection
  private let state: Mutex<State>
  private let ready = AsyncStream<Void>.makeStream()
  private let done = AsyncStream<Void>.makeStream()

  /// - Parameter subjects: The selected cases of the file.
  /// - Throws: `SystemError` if the process has no descriptor left.
  package init(_ file: NativeFile, selected subjects: Set<NativeCase.Subject>, engine: Engine) throws {
    self.file = file
    self.engine = engine
    listed = Set(file.enabledPaths)
    selected = Set(subjects.compactMap { if case .subTest(let path) = $0 { path } else { nil } })
    cases = CaseSelection(
      listed: listed,
      selected: selected,
      includesScript: subjects.contains(.script)
    )
    var state = State()
    for subject in selected.map(NativeCase.Subject.subTest) + [.script] {
      let (stream, input) = AsyncStream<Report>.makeStream()
      state.streams[subject] = stream
      state.inputs[subject] = input
    }
    self.state = Mutex(state)
    var selection = TestSelection()
    selection.includesSlow = NativeFile.includesSlow
    selection.cases = cases
    let relay = Relay()
    known = KnownFailures(engine.configuration.knownFailures)
    let events = EventStream([KnownFailureSink(known, before: [relay])])
    if let suites = file.suites {
      work = .suite(suites, selection, events, try Interruption())
    } else {
      let scope = ScopeControl(
        name: file.file.name,
        owner: SharedEngine.nextNumber(),
        services: engine.services,
        events: events
      )
      work = .script(scope, LuaTests.filter(selection, file.file))
    }
    relay.attach(self)
  }

  /// Starts the run's thread.
  package func start() throws {
    _ = try DedicatedThread(name: "\(file.kind)-\(file.name)") { [self] in
      let result: FileResult?
      switch work {
      case .script(let scope, let filter):
        result =
          file.file.run(scope, engine: engine, filter: filter, giveUp: { [self] in finish($0) })?.result
      case .suite(let suites, let selection, let events, let interruption):
        let run = TestRun(
          file: file.file,
          number: SharedEngine.nextNumber(),
          engine: engine,
          selection: selection,
          timeLimit: engine.configuration.settings.timeout,
          hasOwnTimeLimit: false,
          events: events
        )
        result =
          suites.run(run, interruption: interruption, abandoned: { [self] in finish($0.result) })?.result
      }
      if let result { finish(result) }
    }
  }

  /// Waits until the first selected sub-test begins or the script ends. The time until then is the suite's, not a case's.
  package func waitForFirstCase() async { for await _ in ready.stream {} }
  package func waitForEnd() async { for await _ in done.stream {} }

  /// Returns the reports for one case; nil if they were taken before. A repeated case must not pass because its stream is
  /// empty.
  package func reports(for subject: NativeCase.Subject) -> AsyncStream<Report>? {
    state.withLock { $0.streams.removeValue(forKey: subject) }
  }

  /// Ends the script and its VMs.
  package func abort(_ reason: String) {
    switch work {
    case .script(let scope, _): scope.cancellation.request(reason)
    case .suite(_, _, _, let interruption): interruption.endEverything(reason)
    }
  }

  // MARK: From the script's thread

  fileprivate func receive(_ event: RunEvent) {
    switch event {
    case .subTestStarted(_, let path, _):
      if selected.contains(path) { ready.continuation.finish() }
    case .subTestEnded(_, let result):
      state.withLock { state in
        state.ended[result.path] = result
        if let input = state.inputs[.subTest(result.path)] {
          input.yield(.ended(result))
          input.finish()
        } else if let owner = cases.owner(of: result.path), let input = state.inputs[.subTest(owner)] {
          input.yield(.inner(result))
        } else if !listed.contains(result.path) {
          state.unlisted.append(result)
        }
      }
    case .warning(_, let text): Diagnostics.say("warning: \(file.name): \(text)")
    default: break
    }
  }

  private func finish(_ result: FileResult) {
    let result = known.applied(to: result)
    state.withLock { state in
      for path in selected where state.ended[path] == nil {
        let input = state.inputs[.subTest(path)]
        input?.yield(Self.notReached(path, result, ended: state.ended))
        input?.finish()
      }
      state.inputs[.script]?.yield(.script(result, unlisted: state.unlisted))
      state.inputs[.script]?.finish()
    }
    ready.continuation.finish()
    done.continuation.finish()
  }

  private static func notReached(
    _ path: [String],
    _ result: FileResult,
    ended: [[String]: SubTestResult]
  ) -> Report {
    // If a sub-test around it, or the script, was skipped while it ran, then so was this sub-test.
    let around = path.indices.dropFirst().lazy.compactMap { ended[Array(path[..<$0])]?.outcome }
    for outcome in Array(around) + [result.outcome] {
      switch outcome {
      case .skipped, .todo:
        let location = ScriptLocation(file: result.file, line: 1)
        return .ended(SubTestResult(path: path, outcome: outcome, duration: 0, location: location))
      case .passed, .failed: continue
      }
    }
    return switch result.outcome {
    case .failed(let failure):
      .notReached(why: "the script stopped before this test\n\(failure.summary)", location: failure.location)
    case .passed, .skipped, .todo:
      .notReached(
        why: "the script ended without calling test(\"\(path.last ?? "")\", …)",
        location: nil
      )
    }
  }
}

/// Passes the scope's events on to the run, which is created after it.
private final class Relay: EventSink {
  private let target = Mutex<Target>(Target())

  private struct Target {
    weak var run: NativeRun?
  }

  func attach(_ run: NativeRun) { target.withLock { $0.run = run } }
  func receive(_ event: RunEvent, at time: Double) { target.withLock { $0.run }?.receive(event) }
  func finish() {}
}
