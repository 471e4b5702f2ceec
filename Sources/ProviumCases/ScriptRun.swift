package import ProviumEvents
package import ProviumRuntime
import ProviumSystem
import Synchronization

/// One run of one Lua file, as a test runner sees it: a linear script on its own thread, whose outcome reaches each
/// native test case through a stream of its own.
///
/// The thread never waits for Swift: it runs to its end and pushes. So no order, width or filter that swift-testing
/// chooses can make it wait for ever.
package final class ScriptRun: Sendable {
  /// The run that a test case belongs to; set by its suite.
  @TaskLocal package static var current: ScriptRun?

  /// What a native test case stands for.
  package enum Part: Hashable, Sendable {
    case subTest([String])
    /// What happens outside sub-tests, and the sub-tests that only running reveals.
    case script
  }

  /// What a native test case is told.
  package enum Report: Sendable {
    case ended(SubTestResult)
    /// A sub-test inside of this one that has no case of its own.
    case inner(SubTestResult)
    /// The script stopped, or ended, before it came to this sub-test.
    case notReached(why: String, location: ScriptLocation?)
    case script(FileResult, unlisted: [SubTestResult])
  }

  private struct State {
    var inputs: [Part: AsyncStream<Report>.Continuation] = [:]
    var streams: [Part: AsyncStream<Report>] = [:]
    var ended: [[String]: SubTestResult] = [:]
    var unlisted: [SubTestResult] = []
  }

  package let file: TestFile
  private let session: FileSession
  private let engine: Engine
  private let listed: Set<[String]>
  private let selected: Set<[String]>
  private let cases: CaseSelection
  private let state: Mutex<State>
  private let ready = AsyncStream<Void>.makeStream()
  private let done = AsyncStream<Void>.makeStream()

  /// - Parameters:
  ///   - listed: the sub-tests that have native cases.
  ///   - selected: the cases that are to run.
  package init(file: TestFile, number: Int, listed: Set<[String]>, selected parts: Set<Part>, engine: Engine)
  {
    self.file = file
    self.engine = engine
    self.listed = listed
    selected = Set(parts.compactMap { if case .subTest(let path) = $0 { path } else { nil } })
    cases = CaseSelection(
      listed: listed,
      selected: selected,
      includesScript: parts.contains(.script)
    )
    var state = State()
    for part in selected.map(Part.subTest) + [.script] {
      let (stream, input) = AsyncStream<Report>.makeStream()
      state.streams[part] = stream
      state.inputs[part] = input
    }
    self.state = Mutex(state)
    var selection = TestSelection()
    selection.includesSlow = TestCatalogue.includesSlow
    selection.exact = cases
    let relay = Relay()
    session = FileSession(
      file: file,
      owner: number,
      engine: engine,
      events: EventStream([relay]),
      selection: selection,
      timeout: engine.configuration.settings.timeout
    )
    relay.attach(self)
  }

  /// Starts the script's thread.
  package func start() throws {
    _ = try DedicatedThread(name: "lua-\(file.name)") { [self] in
      let result = engine.stuckWatch.watching(session, giveUp: { [self] in finish($0) }) { session.run() }
      if let result { finish(result) }
    }
  }

  /// Returns when the first selected sub-test begins, or the script has ended: the time before belongs to the suite.
  package func prelude() async { for await _ in ready.stream {} }
  package func waitForEnd() async { for await _ in done.stream {} }

  /// The reports for one part; nil the second time: a repetition must not pass because nothing is left to say.
  package func reports(for part: Part) -> AsyncStream<Report>? {
    state.withLock { $0.streams.removeValue(forKey: part) }
  }

  /// Ends the script, whatever it is doing.
  package func abort(_ reason: String) { session.interrupt(reason) }

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
    // By its own word, a test around it or the whole script does not run here: neither does this one.
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

/// Hands the session's events on. Made before the run it belongs to.
private final class Relay: EventSink {
  private let target = Mutex<Target>(Target())

  private struct Target {
    weak var run: ScriptRun?
  }

  func attach(_ run: ScriptRun) { target.withLock { $0.run = run } }
  func receive(_ event: RunEvent, at time: Double) { target.withLock { $0.run }?.receive(event) }
  func finish() {}
}
