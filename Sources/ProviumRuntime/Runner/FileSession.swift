package import ProviumEvents
import ProviumLua
import ProviumSystem
import Synchronization

/// One run of one Lua file: its Lua state, its machines, its sub-tests. `run` belongs to one thread; `interrupt` may come
/// from any.
package final class FileSession: @unchecked Sendable {
  // Sendable for `interrupt` alone, which touches nothing but what locks itself; all else is the running thread's.
  let file: TestFile
  /// By which the resource pool knows this file.
  let owner: Int
  let engine: Engine
  let events: EventStream
  let selection: TestSelection
  private let timeout: Duration
  var fileTimeout: Duration { timeout }
  /// The file's time, as it was scaled.
  var fileLimit: Duration { timeout * engine.timeScale }

  /// What scripts hold: made for this file's state.
  let vmType = ScriptMachine.makeType()
  let workerType = ScriptWorker.makeType()
  let numbersType = GuestNumbers.makeType()
  let snapshotType = LuaObjectType<ScriptSnapshot>(name: "snapshot", methods: [:])
  var subTests = SubTestStack()
  let machines = SessionMachines()
  private let luaInterrupt = LuaInterrupt()
  /// Set while the script runs.
  private(set) var luaState: LuaState?
  /// Ends a sleep: set by an interrupt.
  let wakeUp = Monitor(false)
  /// What the file is doing, for whoever watches and for the message of a time limit.
  private var activityText = "starting"
  /// Every file that the script loaded, for fixture keys: absolute path and contents.
  private(set) var loaded: [LoadedScript] = []
  /// Claimed at the top of the file: what its machines take from, before the pool is asked.
  var reservation: Reservation?
  /// Sources of the fixtures that it resumed, and what they were made from.
  var fixtureSources: Set<String> = []
  /// Host files whose change may change what this file's run came to. After the run.
  package var touchedFiles: Set<String> { fixtureSources.union(loaded.map(\.path)).union([file.path]) }
  /// Each sub-test starts from the machines' state at the first one.
  var isFresh = false
  /// Not empty in the session of a fixture's script: the fixtures being built, outermost first.
  var fixtureChain: [(name: String, place: String)] = []
  /// Where a fixture's machines keep their memory while it is built.
  var workplace: String?
  /// Fixtures that this script resumed.
  var usedFixtures: [UsedFixture] = []
  /// Where scripts were looked for that stand further on: absolute paths.
  private(set) var absentScripts: Set<String> = []
  /// The session of a fixture that this one builds.
  private let inner = Mutex<FileSession?>(nil)

  package init(
    file: TestFile,
    owner: Int,
    engine: Engine,
    events: EventStream? = nil,
    selection: TestSelection,
    timeout: Duration
  ) {
    self.file = file
    self.owner = owner
    self.engine = engine
    self.events = events ?? engine.events
    self.selection = selection
    self.timeout = timeout
  }

  /// Ends the script, and whatever its machines are doing. Any thread; the first reason stays.
  package func interrupt(_ reason: String) {
    luaInterrupt.raise(reason)
    wakeUp.update { $0 = true }
    machines.killAll()
    engine.pool.wake()
    inner.withLock { $0 }?.interrupt(reason)
  }

  var isInterrupted: Bool { luaInterrupt.reason != nil }

  /// While `body` runs, an interrupt of this session reaches `session` too.
  func running<Result>(_ session: FileSession, _ body: () throws -> Result) rethrows -> Result {
    inner.withLock { $0 = session }
    if let reason = luaInterrupt.reason { session.interrupt(reason) }
    defer { inner.withLock { $0 = nil } }
    return try body()
  }

  /// What `body` takes does not count against the script's time: a fixture is built for all files.
  func outsideTimeLimit<Result>(_ body: () throws -> Result) rethrows -> Result {
    guard let luaState, luaState.deadline != .never else { return try body() }
    let (limit, begin) = (luaState.deadline, Deadline.now)
    luaState.deadline = .never
    defer { luaState.deadline = Deadline(nanoseconds: limit.nanoseconds + (Deadline.now - begin)) }
    return try body()
  }

  /// Runs the file to its end and leaves nothing behind.
  package func run() -> FileResult {
    let start = Deadline.now
    let outcome = runScript()
    machines.endAll()
    reservation = nil
    var result = FileResult(
      file: file.name,
      outcome: outcome,
      subTests: subTests.results,
      duration: Double(Deadline.now - start) / 1e9
    )
    result.output = subTests.outerOutput
    result.isHelper = outcome == .passed && result.subTests.isEmpty && machines.count == 0
    return result
  }

  func runScript() -> Outcome {
    let limit = fileLimit
    do {
      let state = try LuaState(interrupt: luaInterrupt)
      luaState = state
      defer {
        luaState = nil
        state.close()
      }
      try prepare(state)
      let chunk = try state.loadFile(file.path)
      _ = try state.call(chunk, deadline: .after(limit))
      return machines.takeUnseenSplat(engine.configuration.settings.allowedSplats).map { .failed($0) }
        ?? .passed
    } catch let failure as LuaFailure {
      return outcome(of: failure, limit: limit)
    } catch {
      return .failed(Failure(kind: .harness, message: "\(error)"))
    }
  }

  private func prepare(_ state: LuaState) throws {
    state.scripts.searchFolders = [Files.currentDirectory, engine.configuration.root]
    state.scripts.onLoad = { [unowned self] in loaded.append($0) }
    state.scripts.onMiss = { [unowned self] in absentScripts.insert($0) }
    try state.setPackagePath([file.root, engine.configuration.root])
    state.onPrint = { [unowned self] in print($0) }
    try Bindings.install(in: state, session: self)
  }

  private func print(_ bytes: [UInt8]) {
    let text = String(decoding: bytes, as: UTF8.self)
    subTests.append(output: text)
    events.send(.output(file: file.name, path: subTests.path, text: text))
  }

  /// Says what the file is doing now.
  func activity(_ text: String) {
    activityText = text
    events.send(.activity(file: file.name, text: text))
  }

  // MARK: Outcomes

  /// What a failed piece of the script came to.
  /// - Parameter limit: of the deadline that was the piece's own.
  func outcome(of failure: LuaFailure, limit: Duration) -> Outcome {
    switch failure.payload {
    case SessionSignal.todo(let reason)?: return .todo(reason: reason)
    case SessionSignal.skip(let reason)?: return .skipped(reason: reason)
    default: break
    }
    let (kind, message) = classify(failure, limit: limit)
    var result = Failure(
      kind: kind,
      message: message,
      location: failure.location.map { ScriptLocation(file: $0.file, line: $0.line) }
    )
    result.traceback = failure.traceback
    let used = machines.used(since: subTests.frames.last?.usesBefore ?? 0)
    result.trace =
      used.count > 1 ? used.flatMap { ["\($0.label):"] + $0.traceLines } : used.first?.traceLines ?? []
    result.console = used.first?.consoleTail ?? []
    if let fault = failure.payload as? HarnessFault {
      // Reports show the console by itself.
      result.message = result.message.replacing(fault.consoleText, with: "")
    }
    return .failed(result)
  }

  private func classify(_ failure: LuaFailure, limit: Duration) -> (FailureKind, String) {
    switch failure.kind {
    case .deadline:
      let isOwn = failure.kind == .deadline(own: true)
      return (
        .timeout, "time limit of \(Quantity.text(isOwn ? limit : fileLimit)) reached during: \(activityText)"
      )
    case .interrupted:
      return (.harness, "\(failure.message) during: \(activityText)")
    default: break
    }
    switch failure.payload {
    case is LuaAssertion: return (.assertion, failure.message)
    case let fault as HarnessFault: return (fault.isTimeout ? .timeout : .harness, failure.message)
    case let error as PoolError: return (error.isUsers ? .error : .harness, failure.message)
    default: return (.error, failure.message)
    }
  }
}
